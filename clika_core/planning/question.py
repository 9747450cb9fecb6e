"""`Question`: all that a plan depends on beside the graph and the target."""

from __future__ import annotations

from collections.abc import Mapping, Set
from functools import cached_property

from clika_core.frozen import frozen
from clika_core.planning.field_winners import BIT_FIELDS, SKIP
from clika_core.planning.resolved_rule import RulesHere
from clika_core.planning.rule_reach import RuleReach
from clika_core.planning.sensitivities import Sensitivity
from clika_core.planning.support import Bits
from clika_core.settings.model import Settings


@frozen(slots=False)
class Question:
    """All that a plan of one graph for one target depends on.

    `tail` maps layers, by position, to the outputs whose tail they are in.
    """

    reach: RuleReach
    tail: Mapping[int, tuple[str, ...]]
    default_bits: Bits
    measured: Mapping[str, Sensitivity]
    measure: str
    threshold: float | None

    @classmethod
    def of(
        cls,
        settings: Settings,
        reach: RuleReach,
        tail: Mapping[int, tuple[str, ...]],
        measured: Mapping[str, Sensitivity],
    ) -> Question:
        """What the sections of `settings` say, beside what the rules reach."""
        given = settings.global_quantization_settings
        threshold = given.quantization_sensitivity_threshold if given.automatic_skip_quantization else None
        bits = (given.weights_num_bits, given.activations_num_bits)
        return cls(reach, tail, bits, measured, given.quantization_sensitivity_measure, threshold)

    @property
    def measurement(self) -> tuple[Mapping[str, Sensitivity], str, float | None]:
        """What the cause `sensitivity` depends on."""
        return self.measured, self.measure, self.threshold

    def bits(self, position: int) -> Bits:
        """The bits of weights and activations that hold on a layer."""
        if position not in self.decided:
            return self.default_bits
        weights, activations = (self.reach.fields[name].get(position) for name in BIT_FIELDS)
        return (
            int(weights.value) if weights else self.default_bits[0],
            int(activations.value) if activations else self.default_bits[1],
        )

    @cached_property
    def ruled(self) -> Set[int]:
        """The layers of which any rule says anything."""
        return self.reach.causes.keys() | self.decided

    @cached_property
    def decided(self) -> Set[int]:
        """The layers of which a rule decides a field."""
        return frozenset().union(*self.reach.fields.values())

    def is_like(self, other: Question) -> bool:
        """Whether all is asked alike but for the rules."""
        return (
            self.default_bits == other.default_bits
            and self.tail is other.tail
            and self.measurement == other.measurement
        )

    def rules_say(self, position: int) -> tuple[RulesHere, bool, Bits]:
        """The causes that rules give a layer, whether an explicit False holds on it, and its bits."""
        winner = self.reach.fields[SKIP].get(position)
        is_kept = winner is not None and winner.value is False
        return self.reach.causes.get(position, ()), is_kept, self.bits(position)
