"""The causes a layer has by itself, before groups and neighbours: all but `inherited`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from functools import cached_property
from itertools import compress
from typing import TypeAlias

from clika_core.frozen import frozen
from clika_core.planning.decision import Cause, CauseKind
from clika_core.planning.field_winners import BIT_FIELDS, SKIP
from clika_core.planning.resolved_rule import RulesHere
from clika_core.planning.rule_reach import RuleReach
from clika_core.planning.sensitivities import Sensitivity
from clika_core.planning.support import Bits, Support
from clika_core.planning.wiring import Wiring
from clika_core.settings.model import Settings

Causes: TypeAlias = tuple[Cause, ...]
_Said: TypeAlias = tuple[int, bool, int, str | None, tuple[str, ...] | None, Cause | None]

_OVERRIDABLE = frozenset({CauseKind.TAIL, CauseKind.RULE, CauseKind.SENSITIVITY})


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
        if position not in self._with_bits:
            return self.default_bits
        weights, activations = (self.reach.fields[name].get(position) for name in BIT_FIELDS)
        return (
            int(weights.value) if weights else self.default_bits[0],
            int(activations.value) if activations else self.default_bits[1],
        )

    @cached_property
    def ruled(self) -> Set[int]:
        """The layers of which any rule says anything."""
        return self.reach.causes.keys() | set().union(*self.reach.fields.values())

    @cached_property
    def _with_bits(self) -> Set[int]:
        """The layers that a rule gives bits."""
        return self.reach.fields[BIT_FIELDS[0]].keys() | self.reach.fields[BIT_FIELDS[1]].keys()

    def rules_say(self, position: int) -> tuple[RulesHere, bool, Bits]:
        """The causes that rules give a layer, whether an explicit False holds on it, and its bits."""
        winner = self.reach.fields[SKIP].get(position)
        is_kept = winner is not None and winner.value is False
        return self.reach.causes.get(position, ()), is_kept, self.bits(position)


class OwnCauses:
    """By position: causes, what an explicit False took away, and whether the layer is float; kept up to date."""

    def __init__(self, wiring: Wiring, support: Support) -> None:
        """No layer has a cause yet."""
        self._wiring, self._support = wiring, support
        num_nodes = len(wiring.graph)
        self.causes: list[Causes] = [()] * num_nodes
        self.overridden: list[Causes] = [()] * num_nodes
        self.is_float = bytearray(num_nodes)
        self._asked: dict[int, tuple[RulesHere, bool, Bits]] = {}  # where rules said something
        self._merged: dict[_Said, tuple[Causes, Causes]] = {}
        self._kept_alive: list[RulesHere] = []  # an id may be a key of `_merged` only while its object lives

    def update(self, question: Question, positions: Iterable[int] | None) -> list[int]:
        """Collect the causes of the layers at `positions` anew, of all layers for None; those that turned."""
        turned: list[int] = []
        stays, is_float, ruled = self._wiring.stays, self.is_float, question.ruled
        default, tail, is_measured = question.default_bits, question.tail, question.threshold is not None
        is_float_only, names, merged = self._wiring.is_float_only, self._wiring.names, self._merged
        reasons = self._support.unsupported(default)
        if positions is None:
            positions = self._concerned(question, reasons)
        for position in positions:
            if not stays[position]:
                continue
            if position in ruled:
                here, is_kept, bits = self._asked[position] = question.rules_say(position)
            else:
                here, is_kept, bits = (), False, default
                self._asked.pop(position, None)
            reason = reasons.get(position) if bits == default else self._support.reason(position, bits)
            measured = _sensitivity(question, names[position]) if is_measured else None
            said = (id(here), is_kept, is_float_only[position], reason, tail.get(position), measured)
            if said not in merged:
                merged[said] = _merge(here, *said[1:])
                self._kept_alive.append(here)
            causes, self.overridden[position] = merged[said]
            self.causes[position] = causes
            if bool(causes) != is_float[position]:
                is_float[position] ^= 1
                turned.append(position)
        if len(self._kept_alive) > 2 * len(stays) + 1000:
            self._merged.clear()
            self._kept_alive.clear()
        return turned

    def _concerned(self, question: Question, reasons: Mapping[int, str]) -> set[int]:
        """All layers that have a cause, or had one."""
        index = self._wiring.graph.index
        float_only = compress(range(len(self.causes)), self._wiring.is_float_only)
        measured = {index[name] for name in question.measured if name in index}
        before = set(compress(range(len(self.causes)), self.causes))
        return before.union(self._asked, float_only, measured, question.ruled, reasons, question.tail)

    def differing(self, question: Question) -> set[int]:
        """The layers for which the rules say something else than when they were last updated."""
        gone = self._asked.keys() - question.ruled
        return gone | {p for p in question.ruled if self._asked.get(p) != question.rules_say(p)}


def _merge(
    here: RulesHere,
    is_kept: bool,
    is_float_only: int,
    reason: str | None,
    of: tuple[str, ...] | None,
    measured: Cause | None,
) -> tuple[Causes, Causes]:
    """Causes that hold, and causes that an explicit False took away; shared by layers of which the same is said."""
    found = [Cause(CauseKind.FLOAT_ONLY)] if is_float_only else []
    found += [Cause(CauseKind.UNSUPPORTED, of=(reason,))] if reason else []
    found += [Cause(CauseKind.TAIL, of=of)] if of else []
    found += [measured] if measured else []
    causes = sorted((*found, *(cause for _, cause in here)), key=Cause.sort_key)
    lost = tuple(cause for cause in causes if is_kept and cause.kind in _OVERRIDABLE)
    held = tuple(cause for cause in causes if not (is_kept and cause.kind in _OVERRIDABLE))
    return held, lost


def _sensitivity(question: Question, layer: str) -> Cause | None:
    if question.threshold is None or layer not in question.measured:
        return None
    value = question.measured[layer].measure(question.measure)
    if value is None or value <= question.threshold:  # NaN is above every threshold
        return None
    return Cause(CauseKind.SENSITIVITY, of=(f"{value:.6g} > {question.threshold:.6g}",))
