"""The strategies make what the laws need: a law that never meets a fork says nothing of forks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeAlias

from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from clika_core.errors import SettingsError
from clika_core.ir.graph import Graph, NodeKind
from clika_core.ir.operators import Trait, trait_of
from clika_core.planning.decision import CauseKind
from clika_core.planning.plan import Plan
from clika_core.testing.strategies import (
    Scenario,
    graphs,
    renamed,
    renamings,
    reorderings,
    scenarios,
    selectors,
)
from tests.properties.observed import plan_of
from tests.properties.oracle.paths import all_paths
from tests.properties.oracle.selection import select

Feature: TypeAlias = Callable[[Scenario, Plan], bool]

FEATURES: dict[str, Feature] = {
    "a fork": lambda scenario, _: any(len(set(c)) > 1 for c in scenario.graph.consumers),
    "two edges": lambda scenario, _: any(len(set(p)) < len(p) for p in scenario.graph.producers),
    "a port": lambda scenario, _: any(port.port for node in scenario.graph for port in node.inputs),
    "several inputs": lambda scenario, _: len(scenario.graph.inputs) > 1,
    "several outputs": lambda scenario, _: len(scenario.graph.outputs) > 1,
    "an output that is an input": lambda scenario, _: any(
        scenario.graph[node.inputs[0].producer].kind is NodeKind.INPUT for node in scenario.graph.outputs
    ),
    "an output that is read on": lambda scenario, _: any(
        {scenario.graph.nodes[c].kind for c in readers} == {NodeKind.OUTPUT, NodeKind.LAYER}
        for readers in scenario.graph.consumers
    ),
    "no layers": lambda scenario, _: not scenario.graph.layers,
    "a shared path": lambda scenario, _: most_common(n.path for n in scenario.graph.layers if n.path) > 1,
    "tied weights": lambda scenario, _: (
        most_common(w.identity for n in scenario.graph for w in n.weights) > 1
    ),
    "a fused group": lambda _, plan: any(len(group.members) > 1 for group in plan.groups.values()),
    "a folded layer": lambda _, plan: any(plan.removed.values()),
    "an override": lambda _, plan: any(decision.overridden for decision in plan.decisions),
    "a quantized layer": lambda _, plan: bool(plan.quantized),
    "a border at a port": lambda _, plan: any(border.port for border in plan.borders),
    "a rule without effect": lambda _, plan: bool(plan.diagnostics),
}


def has_trait(trait: Trait) -> Feature:
    """Whether a layer of that trait occurs."""
    return lambda scenario, _: trait in map(trait_of, scenario.graph.layers)


def has_cause(kind: CauseKind) -> Feature:
    """Whether a layer is float for that cause."""
    return lambda _, plan: any(cause.kind is kind for d in plan.decisions for cause in d.causes)


FEATURES |= {f"the trait {trait}": has_trait(trait) for trait in Trait}
FEATURES |= {f"the cause {kind}": has_cause(kind) for kind in CauseKind}


def most_common(words: Iterable[str]) -> int:
    """How often the most frequent word occurs."""
    return max(Counter(words).values(), default=0)


def test_scenarios_have_every_feature() -> None:
    seen: set[str] = set()

    @settings(max_examples=300, derandomize=True, database=None, deadline=None, phases=[Phase.generate])
    @given(scenarios())
    def look(scenario: Scenario) -> None:
        try:
            plan = plan_of(scenario)
        except SettingsError:
            assume(False)
            raise
        seen.update(name for name, holds in FEATURES.items() if holds(scenario, plan))

    look()
    assert set(FEATURES) == seen


@given(graphs(30, max_paths=50))
def test_every_layer_reaches_an_output_and_paths_are_bounded(graph: Graph) -> None:
    assert len(graph.layers) <= 30
    for layer in graph.layers:
        ways = Counter(path[-1] for path in all_paths(graph, layer.name))
        assert {graph[end].kind for end in ways} >= {NodeKind.OUTPUT}
        assert max(ways.values()) <= 50


@given(graphs(), st.data())
def test_a_selector_drawn_for_a_layer_selects_it(graph: Graph, data: st.DataObject) -> None:
    assume(graph.layers)
    layer = data.draw(st.sampled_from(graph.layers))
    assert layer.name in select(graph, data.draw(selectors(layer)))


@given(graphs(), st.data())
def test_another_order_or_other_names_leave_the_graph_what_it_was(graph: Graph, data: st.DataObject) -> None:
    reordered = data.draw(reorderings(graph))
    assert {node.name: node for node in reordered} == {node.name: node for node in graph}
    names = data.draw(renamings(graph))
    back = renamed(renamed(graph, names), {new: old for old, new in names.items()})
    assert back == graph
