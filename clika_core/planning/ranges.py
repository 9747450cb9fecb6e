"""Ranges of rules: the layers between the selected ones and their targets, or all downstream of them.

`RuleCauses` finds those of many rules at once; `causes_of` those of one rule, in time linear in what it reaches.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import compress

from clika_core.ir.graph import Graph, NodeKind
from clika_core.planning.decision import Cause, How
from clika_core.planning.reachability import (
    Picker,
    between,
    downstream_bits,
    downstream_of,
    flagged,
    set_bits,
    upstream_bits,
)
from clika_core.planning.resolved_rule import ResolvedRule, RulesHere
from clika_core.planning.rule_errors import RuleError, unreachable
from clika_core.planning.selectors import Matches


def is_ranged(rule: ResolvedRule) -> bool:
    """Whether the rule reaches beyond the layers it selects."""
    return bool(rule.until) or rule.is_downstream


class RuleCauses:
    """The causes that skipping rules give: one pass down from the layers, one up from the targets, a bit per rule.

    The pass up carries, above the bits of the rules, a bit per target: which targets each layer reaches. Layers with
    the same bits share one tuple of causes.
    """

    def __init__(self, graph: Graph, rules: Iterable[tuple[int, ResolvedRule]]) -> None:
        """`rules` are numbered; those that do not skip are passed over."""
        self._graph = graph
        self._rules = {number: rule for number, rule in rules if rule.is_skipping}
        ranged = {number: rule for number, rule in self._rules.items() if is_ranged(rule)}
        self._selected = _bits((number, rule.matches) for number, rule in self._rules.items())
        starts = _bits((number, rule.matches) for number, rule in ranged.items())
        ends = _bits((number, rule.targets) for number, rule in ranged.items())
        targets = sorted(ends)
        self._names = Picker([graph.nodes[position].name for position in targets])
        bit = {position: 1 << order for order, position in enumerate(targets)}
        self._targets = {
            number: sum(bit[position] for position in rule.targets) for number, rule in ranged.items()
        }
        self._open_ended = sum(1 << number for number, rule in ranged.items() if rule.is_downstream)
        none = [0] * len(graph.nodes)
        self._num_rule_bits = max(ranged, default=-1) + 1
        self._reached = downstream_bits(graph, starts) if ranged else none
        upward = {p: ends[p] | own << self._num_rule_bits for p, own in bit.items()}
        self._reaching = upstream_bits(graph, upward) if targets else none
        self._ranged = ranged

    def unreachable(self) -> Iterable[RuleError]:
        """One error for each `until` entry that no selected layer of its rule reaches."""
        for number, rule in self._ranged.items():
            for entry, found in rule.until:
                if not any(self._reached[position] >> number & 1 for position in found):
                    yield unreachable(rule.rule, entry, _is_upstream(self._graph, found, rule.matches))

    def by_layer(self) -> dict[int, RulesHere]:
        """For every layer that a rule reaches: the rules' numbers and the causes they give."""
        found: dict[int, RulesHere] = {}
        shared: dict[tuple[int, int, int], RulesHere] = {}
        nodes, selected, reaching, is_open = (
            self._graph.nodes,
            self._selected,
            self._reaching,
            self._open_ended,
        )
        ranged = [down & (up | is_open) for down, up in zip(self._reached, reaching, strict=True)]
        for position in sorted(selected.keys() | compress(range(len(nodes)), ranged)):
            if nodes[position].kind is not NodeKind.LAYER:
                continue
            own = selected.get(position, 0)
            key = (own, ranged[position] & ~own, reaching[position] >> self._num_rule_bits)
            if key not in shared:
                shared[key] = self._causes(*key)
            if shared[key]:
                found[position] = shared[key]
        return found

    def _causes(self, selected: int, ranged: int, reaching: int) -> RulesHere:
        found = [(number, How.SELECTED) for number in set_bits(selected)]
        found += [(n, How.UNTIL if self._rules[n].until else How.DOWNSTREAM) for n in set_bits(ranged)]
        return tuple(
            (number, self._rules[number].cause(how, self._names(reaching & self._targets.get(number, 0))))
            for number, how in found
        )


def causes_of(graph: Graph, rule: ResolvedRule) -> tuple[dict[int, Cause], list[RuleError]]:
    """The causes that one skipping rule gives, by layer, and one error per `until` entry it cannot reach."""
    if rule.until:
        return _until(graph, rule)
    causes: dict[int, Cause] = {}
    if rule.is_downstream:
        causes = dict.fromkeys(flagged(downstream_of(graph, rule.matches)), rule.cause(How.DOWNSTREAM))
        for node in graph.outputs:
            causes.pop(graph.index[node.name], None)
    causes.update(dict.fromkeys(rule.matches, rule.cause(How.SELECTED)))
    return causes, []


def _until(graph: Graph, rule: ResolvedRule) -> tuple[dict[int, Cause], list[RuleError]]:
    members = _members(graph, rule)
    problems = [
        unreachable(rule.rule, entry, _is_upstream(graph, found, rule.matches))
        for entry, found in rule.until
        if not any(position in members for position in found)
    ]
    names = Picker([graph.nodes[position].name for position in sorted(rule.targets)])
    shared: dict[tuple[How, int], Cause] = {}
    causes: dict[int, Cause] = {}
    matches, selected, until = rule.matches, How.SELECTED, How.UNTIL
    for position, bits in members.items():
        key = (selected if position in matches else until, bits)
        if key not in shared:
            shared[key] = rule.cause(key[0], names(bits))
        causes[position] = shared[key]
    return causes, problems


def _members(graph: Graph, rule: ResolvedRule) -> dict[int, int]:
    """Selected layers, and those on the way to a target, each with one bit per target it reaches."""
    members = dict.fromkeys(sorted({*between(graph, rule.matches, rule.targets), *rule.matches}), 0)
    for order, position in enumerate(sorted(rule.targets)):
        if position in members:
            members[position] |= 1 << order
    for position in reversed(members):
        for producer in graph.producers[position]:
            if producer in members:
                members[producer] |= members[position]
    return members


def _bits(sets: Iterable[tuple[int, Iterable[int]]]) -> dict[int, int]:
    """By position, one bit for each set it is in."""
    found: dict[int, int] = {}
    for number, positions in sets:
        bit = 1 << number
        for position in positions:
            found[position] = found.get(position, 0) | bit
    return found


def _is_upstream(graph: Graph, found: Matches, selected: Matches) -> bool:
    """Whether one of `found` reaches a selected layer: only a mistake pays for this."""
    below = downstream_of(graph, found)
    return any(below[position] for position in selected)
