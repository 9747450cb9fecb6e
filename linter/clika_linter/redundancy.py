"""Which rules could be taken out together, and the same layers would be quantized with the same bits."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeAlias

from clika_core.ir.operators import is_weighted
from clika_core.planning.decision import CauseKind, Decision, Precision
from clika_core.planning.plan import Plan
from clika_linter.context import Context

MAX_PLANS = 64  # whole plans made to find out: files may have thousands of rules
_Verdict: TypeAlias = tuple[Precision, str | None, int, int]


def redundant_rules(context: Context) -> list[int]:
    """Numbers of rules in `context.reach` without which, all together, the plan decides the same.

    Of rules that replace each other, those that reach fewer layers are named first, then later ones.
    """
    search = _Search(context)
    return sorted(search.run())


class _Search:
    """Takes out one rule after the other."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._reached: dict[int, list[int]] = {number: [] for number, _ in context.rules()}
        for position, causes in context.reach.causes.items():
            for number in {number for number, _ in causes}:
                self._reached[number].append(position)
        self._deciding = dict.fromkeys(self._reached, False)
        for winners in context.reach.fields.values():
            for winner in winners.values():
                is_skip = winner.value is True and winner.without is not False
                self._deciding[winner.rule] |= not is_skip
        self._verdicts = _verdicts(context.plan)
        self._removed: set[int] = set()
        self._plans_left = MAX_PLANS

    def run(self) -> set[int]:
        """The rules that could go."""
        for number in sorted(self._reached, key=lambda number: (len(self._reached[number]), -number)):
            if self._is_redundant(number):
                self._removed.add(number)
        return self._removed

    def _is_redundant(self, number: int) -> bool:
        alone = [
            position for position in self._reached[number] if not self._has_other_cause(position, number)
        ]
        if not alone and not self._deciding[number]:
            return True
        nodes = self._context.graph.nodes
        if any(is_weighted(nodes[position]) for position in alone) or self._plans_left == 0:
            return False
        self._plans_left -= 1
        return _verdicts(self._context.plan_without(*self._removed, number)) == self._verdicts

    def _has_other_cause(self, position: int, number: int) -> bool:
        """Whether the layer is float for a reason of its own beside this rule, or is not there any more."""
        decision = self._context.plan[self._context.graph.nodes[position].name]
        if decision.precision is Precision.REMOVED or decision.overridden:
            return True
        without = {*self._removed, number}
        return _is_float_without_rules(decision) or any(
            other not in without for other, _ in self._context.reach.causes[position]
        )


def _is_float_without_rules(decision: Decision) -> bool:
    kinds: Collection[CauseKind] = (CauseKind.RULE, CauseKind.INHERITED)
    return any(cause.kind not in kinds for cause in decision.causes)


def _verdicts(plan: Plan) -> dict[str, _Verdict]:
    """What the quantized model depends on, by layer; bits only where they are used."""
    return {d.name: _verdict(d) for d in plan.decisions}


def _verdict(decision: Decision) -> _Verdict:
    if decision.precision is not Precision.QUANTIZED:
        return decision.precision, None, 0, 0
    bits = decision.weights_num_bits, decision.activations_num_bits
    return decision.precision, decision.group, *bits
