"""Rules without effect: rules without which every decision would be the same.

A rule has an effect where it is a cause, takes one away, sets bits that matter, or settles a contradiction. It is
asked of one rule after the other, and only until the first layer that says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from clika_core.diagnostics import Diagnostic, Severity
from clika_core.planning.decision import Cause
from clika_core.planning.field_winners import BIT_FIELDS, SKIP
from clika_core.planning.question import Question
from clika_core.planning.ranges import causes_of, is_ranged
from clika_core.planning.resolved_rule import ResolvedRule
from clika_core.planning.support import Support
from clika_core.planning.wiring import Wiring


class Effects:
    """Asks of each rule whether it has an effect on a plan."""

    def __init__(
        self,
        wiring: Wiring,
        support: Support,
        question: Question,
        overridden: Sequence[Sequence[Cause]],
        is_float: Sequence[int],
    ) -> None:
        """`overridden` and `is_float` are the plan's, by position."""
        self._wiring, self._support, self._question = wiring, support, question
        self._overridden, self._is_float = overridden, is_float

    def without_effect(self) -> list[Diagnostic]:
        """One finding per rule that has none, as the rules were written."""
        return [
            self._finding(rule)
            for number, rule in self._question.reach.numbered()
            if not (
                self._is_cause(rule)
                or self._overrides(number, rule)
                or self._sets_bits(number, rule)
                or self._settles(number, rule)
            )
        ]

    def _is_cause(self, rule: ResolvedRule) -> bool:
        """A cause, or an overridden cause, of a layer that stays."""
        stays = self._wiring.stays
        if not rule.is_skipping:
            return False
        if any(stays[position] for position in rule.matches):
            return True
        return is_ranged(rule) and any(stays[p] for p in causes_of(self._wiring.graph, rule)[0])

    def _overrides(self, number: int, rule: ResolvedRule) -> bool:
        """An explicit False that takes a cause away, which no less specific False would take away too."""
        if rule.rule.settings.skip_quantization is not False:
            return False
        winners = self._question.reach.fields[SKIP]
        return any(
            winners[position].rule == number
            and winners[position].without is not False
            and self._overridden[position]
            for position in rule.matches
        )

    def _sets_bits(self, number: int, rule: ResolvedRule) -> bool:
        """Other bits for a quantized layer, or bits that the target has no kernel for, or has one for."""
        return any(
            self._changes_bits(order, number, position)
            for order, name in enumerate(BIT_FIELDS)
            if getattr(rule.rule.settings, name) is not None
            for position in rule.matches
        )

    def _changes_bits(self, order: int, number: int, position: int) -> bool:
        winner = self._question.reach.fields[BIT_FIELDS[order]][position]
        default = self._question.default_bits[order]
        without = default if winner.without is None else int(winner.without)
        if winner.rule != number or winner.value == without or not self._wiring.stays[position]:
            return False
        if not self._is_float[position]:
            return True
        bits = self._question.bits(position)
        others = (without, bits[1]) if order == 0 else (bits[0], without)
        return self._support.reason(position, bits) != self._support.reason(position, others)

    def _settles(self, number: int, rule: ResolvedRule) -> bool:
        """Without it two less specific rules would contradict each other."""
        return any(
            winner.settles and winner.rule == number
            for name, winners in self._question.reach.fields.items()
            if getattr(rule.rule.settings, name) is not None
            for position in rule.matches
            if (winner := winners.get(position)) is not None
        )

    def _finding(self, rule: ResolvedRule) -> Diagnostic:
        nodes, removed = self._wiring.graph.nodes, self._wiring.removed
        selected = [nodes[position].name for position in rule.matches]
        hosts = sorted({removed.get(name) or "" for name in selected} - {""})
        is_removed = all(name in removed for name in selected)
        reason = (
            "it selects only layers that preprocessing removes"
            if is_removed
            else "the decisions are the same without it"
        )
        return Diagnostic(
            "rule-without-effect",
            Severity.WARNING,
            f"rule {rule.rule.selector!r} has no effect: {reason}",
            rule.rule.location,
            (rule.rule.selector,),
            f"name {', '.join(hosts)} instead" if is_removed and hosts else "remove the rule",
        )
