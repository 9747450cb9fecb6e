"""The causes that a layer has by itself, before groups and producers are looked at."""

from __future__ import annotations

from dataclasses import dataclass

from clika_core.ir.graph import Graph, Node
from clika_core.ir.operators import OPERATORS
from clika_core.planning.decision import Cause, CauseKind, How
from clika_core.settings.model import LayerQuantizationSettings
from clika_core.testing.strategies import Scenario
from tests.properties.oracle.paths import between, downstream, paths_between, tail_of
from tests.properties.oracle.selection import ContradictionError, Selection, select

_LOSABLE = (CauseKind.TAIL, CauseKind.RULE, CauseKind.SENSITIVITY)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that is in force, its selector and targets read."""

    selector: str
    body: LayerQuantizationSettings
    selected: Selection
    targets: tuple[str, ...]
    until: frozenset[str]
    downstream: frozenset[str]


@dataclass(frozen=True, slots=True)
class OwnCauses:
    """What holds a layer in float, what an explicit False took from it, and its bits."""

    held: frozenset[Cause]
    lost: frozenset[Cause]
    weights_num_bits: int
    activations_num_bits: int


def rules_in_force(scenario: Scenario) -> list[Rule]:
    """The rules that are left when what matches nothing, and may, is dropped."""
    rules = [_read(scenario.graph, selector, body) for selector, body in scenario.rules]
    return [rule for rule in rules if rule is not None]


def own_causes(scenario: Scenario, rules: list[Rule]) -> dict[str, OwnCauses]:
    """The own causes of every layer, removed ones too."""
    tails = {output: tail_of(scenario.graph, output) for output in _outputs_with_tail(scenario)}
    found = {}
    for node in scenario.graph.layers:
        weights = _value_of(rules, node, "weights_num_bits") or 8
        activations = _value_of(rules, node, "activations_num_bits") or 8
        causes = {
            *_by_nature(scenario, node, weights, activations),
            *_by_tail(node, tails),
            *(cause for rule in rules for cause in _by_rule(scenario.graph, rule, node)),
            *_by_measurement(scenario, node),
        }
        keeps = _value_of(rules, node, "skip_quantization") is False
        lost = {cause for cause in causes if keeps and cause.kind in _LOSABLE}
        found[node.name] = OwnCauses(frozenset(causes - lost), frozenset(lost), weights, activations)
    return found


def _read(graph: Graph, selector: str, body: LayerQuantizationSettings) -> Rule | None:
    selected = select(graph, selector)
    may_miss = body.on_unmatched != "error"
    if not selected:
        if may_miss:
            return None
        raise ContradictionError(f"{selector} matches nothing")
    targets: set[str] = set()
    unmatched = 0
    for entry in body.skip_quantization_until or ():
        matched = set(select(graph, entry))
        unmatched += not matched
        if not matched and not may_miss:
            raise ContradictionError(f"{entry} matches nothing")
        if matched and not between(graph, selected, matched):
            raise ContradictionError(f"{entry} is not reached from {selector}")
        targets |= matched
    if unmatched and not targets:
        return None
    in_order = tuple(node.name for node in graph.layers if node.name in targets)
    until = frozenset(between(graph, selected, targets))
    onwards = frozenset(downstream(graph, selected) if body.skip_quantization_downstream else ())
    return Rule(selector, body, selected, in_order, until, onwards)


def _value_of(rules: list[Rule], node: Node, field: str) -> bool | int | None:
    """What the most specific rule says that selects the layer and sets the field."""
    said: dict[int, set[bool | int]] = {}
    for rule in rules:
        value = getattr(rule.body, field)
        if node.name in rule.selected and value is not None:
            said.setdefault(rule.selected[node.name], set()).add(value)
    if not said:
        return None
    values = said[max(said)]
    if len(values) > 1:
        raise ContradictionError(f"{node.name} is told {field} {values}")
    return values.pop()


def _by_nature(scenario: Scenario, node: Node, weights: int, activations: int) -> set[Cause]:
    causes = set()
    if not any(value.is_float for value in node.outputs):
        causes.add(Cause(CauseKind.FLOAT_ONLY))
    reason = scenario.target.support(scenario.graph, node, weights, activations)
    if reason is not None or node.type not in OPERATORS:
        causes.add(Cause(CauseKind.UNSUPPORTED))
    return causes


def _by_tail(node: Node, tails: dict[str, set[str]]) -> set[Cause]:
    outputs = tuple(output for output, tail in tails.items() if node.name in tail)
    return {Cause(CauseKind.TAIL, of=outputs)} if outputs else set()


def _by_rule(graph: Graph, rule: Rule, node: Node) -> set[Cause]:
    """One cause where the rule reaches the layer: it selects it, else its range holds it."""
    if not rule.body.skip_quantization:
        return set()
    how = How.SELECTED if node.name in rule.selected else How.UNTIL
    if node.name in rule.downstream - set(rule.selected):
        how = How.DOWNSTREAM
    if node.name not in {*rule.selected, *rule.until, *rule.downstream}:
        return set()
    reached = tuple(end for end in rule.targets if paths_between(graph, node.name, end))
    return {Cause(CauseKind.RULE, how, rule.selector, of=reached)}


def _by_measurement(scenario: Scenario, node: Node) -> set[Cause]:
    if scenario.threshold is None or node.name not in (scenario.sensitivity or {}):
        return set()
    is_above = (scenario.sensitivity or {})[node.name] > scenario.threshold
    return {Cause(CauseKind.SENSITIVITY)} if is_above else set()


def _outputs_with_tail(scenario: Scenario) -> list[str]:
    """The outputs whose tail is skipped, in trace order."""
    outputs = scenario.graph.outputs
    if not isinstance(scenario.tail, tuple):
        return [] if scenario.tail is False else [node.name for node in outputs]
    return [
        node.name
        for node in outputs
        if any(entry in (node.name, *node.aliases) or entry == "output_*" for entry in scenario.tail)
    ]
