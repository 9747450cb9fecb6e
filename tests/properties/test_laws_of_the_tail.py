"""The tail of an output: every layer upstream of it after which no weighted layer follows on the way to it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from clika_core.ir.graph import Graph
from clika_core.planning.decision import CauseKind
from clika_core.planning.plan import Plan
from clika_core.testing.strategies import LAYER_KINDS, Scenario, graphs, scenarios
from tests.properties.observed import plan_of
from tests.properties.oracle.paths import paths_between, tail_of

UNWEIGHTED = ("relu", "add", "reshape", "softmax", "layer_norm", "split", "gt", "argmax")


def tails_told(plan: Plan) -> dict[str, set[str]]:
    """By output, the kept layers whose causes name it."""
    told: dict[str, set[str]] = {}
    for decision in plan.decisions:
        for cause in decision.causes:
            if cause.kind is CauseKind.TAIL:
                for output in cause.of:
                    told.setdefault(output, set()).add(decision.name)
    return told


@given(scenarios(20, max_rules=0))
def test_the_tail_of_every_output_is_the_one_defined(scenario: Scenario) -> None:
    plan = plan_of(replace(scenario, tail=None))
    kept = {decision.name for decision in plan.decisions if decision.precision != "removed"}
    expected = {output.name: tail_of(scenario.graph, output.name) & kept for output in scenario.graph.outputs}
    assert tails_told(plan) == {output: tail for output, tail in expected.items() if tail}


@given(scenarios(20, max_rules=0), st.data())
def test_a_list_of_outputs_keeps_their_tails_alone(scenario: Scenario, data: st.DataObject) -> None:
    names = [output.name for output in scenario.graph.outputs]
    chosen = data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True).map(tuple))
    of_all = tails_told(plan_of(replace(scenario, tail=True)))
    of_chosen = tails_told(plan_of(replace(scenario, tail=chosen)))
    assert of_chosen == {output: tail for output, tail in of_all.items() if output in chosen}


@given(scenarios(20))
def test_without_tail_skipping_no_layer_is_float_for_the_tail(scenario: Scenario) -> None:
    assert tails_told(plan_of(replace(scenario, rules=(), tail=False))) == {}


@given(graphs(20, kinds=[kind for kind in LAYER_KINDS if kind.type in UNWEIGHTED], rows=()))
def test_without_a_weighted_layer_upstream_everything_upstream_is_the_tail(graph: Graph) -> None:
    told = tails_told(plan_of(Scenario(graph)))
    for output in graph.outputs:
        upstream = {layer.name for layer in graph.layers if paths_between(graph, layer.name, output.name)}
        assert told.get(output.name, set()) == upstream
