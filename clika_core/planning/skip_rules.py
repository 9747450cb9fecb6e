"""Skip rules on a graph: which layers each rule reaches, and which value wins on each layer.

Rules commute (spec: semantics, section 3). (a) On each layer the most specific rule that sets a field decides it.
(b) Ranges (`until`, `downstream`) only unite. Whether a range holds against an explicit False is decided later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from clika_core.diagnostics import Diagnostic, Severity
from clika_core.errors import SettingsError
from clika_core.frozen import frozen
from clika_core.ir.graph import Graph, NodeKind
from clika_core.planning.decision import Cause, CauseKind, How
from clika_core.planning.reachability import downstream_bits, pick, set_bits, upstream_bits
from clika_core.planning.rule_errors import RuleError, conflict, raise_all, unclear, unknown, unreachable
from clika_core.planning.selectors import Matches, SelectorIndex
from clika_core.settings.model import LayerRule


@frozen
class ResolvedRule:
    """A rule with the layers its selector matches and, per `until` entry, the layers that entry matches."""

    rule: LayerRule
    matches: Matches
    until: tuple[tuple[str, Matches], ...] = ()

    def cause(self, how: How, of: tuple[str, ...] = ()) -> Cause:
        """The cause this rule gives a layer."""
        return Cause(CauseKind.RULE, how, self.rule.selector, self.rule.location, of)


@frozen
class FieldWinner:
    """Which rule decides one field of one layer, and what would hold without that rule.

    `settles`: without it, two other rules would contradict each other.
    """

    value: int | bool
    rule: int
    without: int | bool | None
    settles: bool


@frozen(slots=False)
class RuleReach:
    """What the rules say of each layer, by position: the causes they give, and the fields they decide."""

    rules: Sequence[ResolvedRule]
    causes: Mapping[int, list[tuple[int, Cause]]]
    fields: Mapping[str, Mapping[int, FieldWinner]]
    diagnostics: Sequence[Diagnostic] = ()


BIT_FIELDS = ("weights_num_bits", "activations_num_bits")
FIELDS = ("skip_quantization", *BIT_FIELDS)


def reach_of(rules: Iterable[LayerRule], index: SelectorIndex) -> RuleReach:
    """Resolve `rules` on the index's graph. Raises one SettingsError with everything that is wrong."""
    reach, problems = examine(rules, index)
    raise_all(problems)
    return reach


def examine(rules: Iterable[LayerRule], index: SelectorIndex) -> tuple[RuleReach, list[RuleError]]:
    """Resolve `rules` as far as they can be used, and everything that is wrong with them; never raises.

    What matches nothing, or has more than one meaning, is left out; of two rules that contradict each other
    the first one holds.
    """
    problems: list[RuleError] = []
    diagnostics: list[Diagnostic] = []
    resolved = [
        found for rule in rules if (found := _resolve(rule, index, problems, diagnostics)) is not None
    ]
    causes = _causes(index.graph, resolved, problems)
    fields = {name: _winners(name, resolved, index.graph, problems) for name in FIELDS}
    return RuleReach(resolved, causes, fields, diagnostics), problems


def _resolve(
    rule: LayerRule, index: SelectorIndex, problems: list[RuleError], diagnostics: list[Diagnostic]
) -> ResolvedRule | None:
    """The rule on this graph, or None where it drops out; what is wrong goes into the lists."""
    read = {}
    for selector in (rule.selector, *(rule.settings.skip_quantization_until or ())):
        try:
            read[selector] = index.match(selector)
        except SettingsError as problem:
            problems.append(unclear(rule, selector, problem))
    if rule.selector not in read:
        return None
    matches = read[rule.selector]
    until = [(entry, read[entry]) for entry in rule.settings.skip_quantization_until or () if entry in read]
    kept = tuple((entry, found) for entry, found in until if found)
    unmatched = [] if matches else [rule.selector]
    unmatched += [entry for entry, found in until if not found]
    for selector in unmatched:
        _report_unmatched(rule, selector, index, problems, diagnostics)
    if not matches or (rule.settings.skip_quantization_until and not kept):
        return None
    return ResolvedRule(rule, matches, kept)


def _report_unmatched(
    rule: LayerRule,
    selector: str,
    index: SelectorIndex,
    problems: list[RuleError],
    diagnostics: list[Diagnostic],
) -> None:
    error = unknown(rule, selector, index)
    if rule.settings.on_unmatched == "error":
        problems.append(error)
    elif rule.settings.on_unmatched == "warn":
        diagnostics.append(
            Diagnostic(
                "unmatched-selector", Severity.WARNING, error.message, error.location, (selector,), error.fix
            )
        )


def _causes(
    graph: Graph, rules: Sequence[ResolvedRule], problems: list[RuleError]
) -> dict[int, list[tuple[int, Cause]]]:
    """The causes that skipping rules give, by layer; pairs of the rule's number and the cause."""
    found: dict[int, list[tuple[int, Cause]]] = {}
    skipping = [(number, rule) for number, rule in enumerate(rules) if rule.rule.settings.skip_quantization]
    ranges = _Ranges(graph, skipping)
    problems += ranges.unreachable()
    for number, rule in skipping:
        for position in rule.matches:
            cause = rule.cause(How.SELECTED, ranges.targets_of(number, position))
            found.setdefault(position, []).append((number, cause))
    for position, number, how in ranges.members():
        if position not in rules[number].matches:
            cause = rules[number].cause(how, ranges.targets_of(number, position))
            found.setdefault(position, []).append((number, cause))
    return found


class _Ranges:
    """All ranges of all rules: passes with one bit per rule, down from its layers and up from its targets.

    One more pass, with a bit per target, tells which targets each layer reaches.
    """

    def __init__(self, graph: Graph, rules: Sequence[tuple[int, ResolvedRule]]) -> None:
        self._graph = graph
        self._ranged = {n: r for n, r in rules if r.until or r.rule.settings.skip_quantization_downstream}
        starts: dict[int, int] = {}
        for number, rule in self._ranged.items():
            for position in rule.matches:
                starts[position] = starts.get(position, 0) | 1 << number
        targets = sorted({p for rule in self._ranged.values() for _, found in rule.until for p in found})
        self._target_names = [graph.nodes[position].name for position in targets]
        bit = {position: 1 << order for order, position in enumerate(targets)}
        self._targets = {
            number: sum({p: bit[p] for _, found in rule.until for p in found}.values())
            for number, rule in self._ranged.items()
        }
        ends: dict[int, int] = {}
        for number, rule in self._ranged.items():
            for position in {p for _, found in rule.until for p in found}:
                ends[position] = ends.get(position, 0) | 1 << number
        self._open_ended = sum(1 << number for number, rule in self._ranged.items() if not rule.until)
        self._reached = downstream_bits(graph, starts) if self._ranged else []
        self._ending = upstream_bits(graph, ends) if self._ranged else []
        self._reaching = upstream_bits(graph, bit) if targets else [0] * len(graph.nodes)

    def targets_of(self, number: int, position: int) -> tuple[str, ...]:
        """The `until` targets of a rule that the layer at `position` reaches."""
        return pick(self._reaching[position] & self._targets.get(number, 0), self._target_names)

    def unreachable(self) -> Iterable[RuleError]:
        """One error for each `until` entry that no selected layer of its rule reaches."""
        for number, rule in self._ranged.items():
            for entry, found in rule.until:
                if not any(self._reached[position] >> number & 1 for position in found):
                    yield unreachable(rule.rule, entry, self._is_upstream(found, rule.matches))

    def members(self) -> Iterable[tuple[int, int, How]]:
        """Every (layer, rule number, how) with the layer in the rule's range."""
        for position, reached in enumerate(self._reached):
            bits = reached & (self._ending[position] | self._open_ended)
            if bits and self._graph.nodes[position].kind is NodeKind.LAYER:
                for number in set_bits(bits):
                    yield position, number, How.UNTIL if self._ranged[number].until else How.DOWNSTREAM

    def _is_upstream(self, found: Matches, selected: Matches) -> bool:
        """Whether one of `found` reaches a selected layer: only a mistake pays for this pass."""
        below = downstream_bits(self._graph, dict.fromkeys(found, 1))
        return any(below[position] for position in selected)


def _winners(
    name: str, rules: Sequence[ResolvedRule], graph: Graph, problems: list[RuleError]
) -> dict[int, FieldWinner]:
    """Which rule decides field `name` on each layer: the most specific one; a tie must agree."""
    candidates: dict[int, list[tuple[int, int]]] = {}
    for number, rule in enumerate(rules):
        if getattr(rule.rule.settings, name) is not None:
            for position, specificity in rule.matches.items():
                candidates.setdefault(position, []).append((specificity, number))
    found: dict[int, FieldWinner] = {}
    reported: set[tuple[int, int]] = set()
    for position, entries in candidates.items():
        entries.sort(key=lambda entry: (-entry[0], entry[1]))
        best, winner = entries[0]
        value = getattr(rules[winner].rule.settings, name)
        others = [number for specificity, number in entries[1:] if specificity == best]
        for other in others:
            pair = (winner, other)
            if getattr(rules[other].rule.settings, name) != value and pair not in reported:
                reported.add(pair)
                problems.append(
                    conflict(name, rules[winner].rule, rules[other].rule, graph.nodes[position].name)
                )
        next_best = {
            getattr(rules[number].rule.settings, name)
            for specificity, number in entries[1:]
            if specificity == entries[1][0]
        }
        without = next(iter(next_best)) if len(next_best) == 1 else None
        found[position] = FieldWinner(value, winner, without, settles=len(next_best) > 1)
    return found
