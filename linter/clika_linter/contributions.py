"""What keeps how much of a model float: the causes of a plan, weighed by what the layers cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from clika_core.planning.decision import Cause, CauseKind, Decision, Precision
from clika_core.settings.source import Span
from clika_linter.places import Places

_WORDS = {
    CauseKind.UNSUPPORTED: "the target",
    CauseKind.TAIL: "the tail",
    CauseKind.SENSITIVITY: "the sensitivity threshold",
}
_REMEDIES = {
    CauseKind.UNSUPPORTED: "choose a target that runs these layers quantized",
    CauseKind.TAIL: "list the outputs that need a tail under skip_tail_quantization",
    CauseKind.SENSITIVITY: "raise quantization_sensitivity_threshold",
}
_KEYS = {
    CauseKind.UNSUPPORTED: ("deployment_settings", "target_framework"),
    CauseKind.TAIL: ("global_quantization_settings", "skip_tail_quantization"),
    CauseKind.SENSITIVITY: ("global_quantization_settings", "quantization_sensitivity_threshold"),
}


class Contribution(NamedTuple):
    """One cause: the tail, the target, the threshold, or one rule; and the cost of the layers that have it."""

    kind: CauseKind
    selector: str | None
    cost: int

    @property
    def words(self) -> str:
        """`the tail`, `rule 'conv_1'`."""
        return f"rule {self.selector!r}" if self.selector is not None else _WORDS[self.kind]

    @property
    def remedy(self) -> str:
        """What to do about it, as an order."""
        if self.selector is not None:
            return f"let {self.words} select or reach fewer layers"
        return _REMEDIES[self.kind]

    def span(self, places: Places) -> Span | None:
        """Where the settings file says it; None where it does not."""
        if self.selector is not None:
            return places.rules[self.selector].selector_span
        return places.value_span(*_KEYS[self.kind])


def contributions(decisions: Iterable[Decision], costs: Mapping[str, int]) -> list[Contribution]:
    """Every cause of float layers that cost something, the most expensive first.

    A layer with two causes counts for both: either of them alone would keep it float.
    """
    found: dict[tuple[CauseKind, str | None], int] = {}
    for decision in decisions:
        cost = costs.get(decision.name, 0)
        if cost and decision.precision is Precision.FLOAT:
            for kind, selector in {_key(cause) for cause in decision.causes if _is_told(cause)}:
                found[kind, selector] = found.get((kind, selector), 0) + cost
    made = [Contribution(kind, selector, cost) for (kind, selector), cost in found.items()]
    return sorted(made, key=lambda each: (-each.cost, each.words))


def _key(cause: Cause) -> tuple[CauseKind, str | None]:
    return cause.kind, cause.selector


def _is_told(cause: Cause) -> bool:
    """Whether somebody decided it; integer layers and neighbours are float of themselves."""
    return cause.kind in _WORDS or cause.kind is CauseKind.RULE
