"""Which rule decides each field of each layer: the most specific one that sets it; a tie must agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from clika_core.frozen import frozen
from clika_core.ir.graph import Graph
from clika_core.planning.resolved_rule import ResolvedRule
from clika_core.planning.rule_errors import RuleError, conflict

SKIP = "skip_quantization"
BIT_FIELDS = ("weights_num_bits", "activations_num_bits")
FIELDS = (SKIP, *BIT_FIELDS)

_Candidates: TypeAlias = tuple[tuple[int, int], ...]  # (-specificity, the rule's number), sorted


@frozen
class FieldWinner:
    """Which rule decides one field of one layer, and what would hold without that rule.

    `settles`: without it, two other rules would contradict each other.
    """

    value: int | bool
    rule: int
    without: int | bool | None
    settles: bool


class FieldWinners:
    """The winners of one field, by position; a rule can be added and taken away."""

    def __init__(self, field: str, graph: Graph) -> None:
        """No rule yet."""
        self._field, self._graph = field, graph
        self._rules: dict[int, tuple[ResolvedRule, int | bool]] = {}
        self._candidates: dict[int, _Candidates] = {}
        self._shared: dict[_Candidates, tuple[FieldWinner, tuple[int, ...]]] = {}
        self.winners: dict[int, FieldWinner] = {}

    def add(self, rules: Iterable[tuple[int, ResolvedRule]]) -> list[RuleError]:
        """Take in numbered rules; what contradicts each other, where of two rules the first one holds."""
        added: dict[int, list[tuple[int, int]]] = {}
        for number, rule in rules:
            value = getattr(rule.rule.settings, self._field)
            if value is not None:
                self._rules[number] = (rule, value)
                for position, specificity in rule.matches.items():
                    added.setdefault(position, []).append((-specificity, number))
        problems: dict[tuple[int, int], RuleError] = {}
        for position, entries in added.items():
            candidates = tuple(sorted([*self._candidates.get(position, ()), *entries]))
            self._candidates[position] = candidates
            for pair in self._decide(position, candidates):
                if pair not in problems:
                    problems[pair] = self._conflict(pair, position)
        return list(problems.values())

    def remove(self, number: int, matches: Iterable[int]) -> list[RuleError]:
        """Forget a rule with the layers it matches; what contradicts each other without it."""
        problems: list[RuleError] = []
        if self._rules.pop(number, None) is None:
            return problems
        self._shared.clear()
        for position in matches:
            left = tuple(entry for entry in self._candidates[position] if entry[1] != number)
            if left:
                self._candidates[position] = left
                problems += [self._conflict(pair, position) for pair in self._decide(position, left)]
            else:
                del self._candidates[position], self.winners[position]
        return problems

    def _decide(self, position: int, candidates: _Candidates) -> Iterable[tuple[int, int]]:
        """Note who wins; pairs of rules that contradict each other."""
        if candidates not in self._shared:
            self._shared[candidates] = self._winner(candidates)
        self.winners[position], rivals = self._shared[candidates]
        return [(self.winners[position].rule, rival) for rival in rivals]

    def _winner(self, candidates: _Candidates) -> tuple[FieldWinner, tuple[int, ...]]:
        best, number = candidates[0]
        value = self._rules[number][1]
        equals = [rule for specificity, rule in candidates[1:] if specificity == best]
        next_best = {self._rules[rule][1] for s, rule in candidates[1:] if s == candidates[1][0]}
        without = next(iter(next_best)) if len(next_best) == 1 else None
        winner = FieldWinner(value, number, without, settles=len(next_best) > 1)
        return winner, tuple(rule for rule in equals if self._rules[rule][1] != value)

    def _conflict(self, pair: tuple[int, int], position: int) -> RuleError:
        first, second = (self._rules[number][0].rule for number in pair)
        return conflict(self._field, first, second, self._graph.nodes[position].name)


Winners: TypeAlias = Mapping[
    str, Mapping[int, FieldWinner]
]  # field -> position of the layer -> who decides it
