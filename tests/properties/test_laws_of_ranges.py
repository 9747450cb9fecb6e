"""`until` is the union of all simple paths, `downstream` everything that can be reached."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import assume, given
from hypothesis import strategies as st

from clika_core.ir.graph import Graph
from clika_core.planning.decision import CauseKind
from clika_core.planning.plan import Plan
from clika_core.settings.model import LayerQuantizationSettings
from clika_core.testing.strategies import Scenario, graphs
from tests.properties.observed import floats_of, plan_of
from tests.properties.oracle.paths import all_paths, between, downstream, layers_on, paths_between


@st.composite
def starts_and_ends(draw: st.DrawFn) -> tuple[Graph, str, list[str]]:
    """A graph, a layer, and some layers that it reaches, itself perhaps among them."""
    graph = draw(graphs(20))
    assume(graph.layers)
    start = draw(st.sampled_from(graph.layers)).name
    reached = sorted(layers_on(graph, all_paths(graph, start)))
    return graph, start, draw(st.lists(st.sampled_from(reached), min_size=1, max_size=3, unique=True))


def planned(graph: Graph, *rules: tuple[str, LayerQuantizationSettings]) -> Plan:
    """The plan without a tail, so that rules alone make layers float."""
    return plan_of(Scenario(graph, rules, tail=False))


def until(ends: Iterable[str]) -> LayerQuantizationSettings:
    """The rule that skips all up to `ends`."""
    return LayerQuantizationSettings(skip_quantization=True, skip_quantization_until=list(ends))


DOWNSTREAM = LayerQuantizationSettings(skip_quantization=True, skip_quantization_downstream=True)


def skipped_by_rule(plan: Plan) -> set[str]:
    """The layers with a rule among their causes."""
    return {d.name for d in plan.decisions if any(c.kind is CauseKind.RULE for c in d.causes)}


def kept(plan: Plan, names: Iterable[str]) -> set[str]:
    """Those of the layers that preprocessing keeps."""
    return {name for name in names if plan[name].precision != "removed"}


@given(starts_and_ends())
def test_until_skips_the_union_of_all_simple_paths_and_nothing_else(
    drawn: tuple[Graph, str, list[str]],
) -> None:
    graph, start, ends = drawn
    plan = planned(graph, (start, until(ends)))
    union = {name for end in ends for path in paths_between(graph, start, end) for name in path}
    assert skipped_by_rule(plan) == kept(plan, union)


@given(starts_and_ends())
def test_until_many_targets_is_what_until_each_of_them_adds_up_to(
    drawn: tuple[Graph, str, list[str]],
) -> None:
    graph, start, ends = drawn
    together = skipped_by_rule(planned(graph, (start, until(ends))))
    each = [skipped_by_rule(planned(graph, (start, until([end])))) for end in ends]
    assert together == set().union(*each)


@given(starts_and_ends())
def test_until_a_layer_itself_is_that_layer_alone(drawn: tuple[Graph, str, list[str]]) -> None:
    graph, start, _ = drawn
    plan = planned(graph, (start, until([start])))
    assert skipped_by_rule(plan) == kept(plan, [start])


@given(starts_and_ends())
def test_until_names_for_each_layer_the_targets_that_it_reaches(drawn: tuple[Graph, str, list[str]]) -> None:
    graph, start, ends = drawn
    for decision in planned(graph, (start, until(ends))).decisions:
        for cause in decision.causes:
            if cause.kind is CauseKind.RULE:
                assert set(cause.of) == {end for end in ends if paths_between(graph, decision.name, end)}


@given(starts_and_ends())
def test_downstream_is_until_the_producers_of_the_outputs_that_are_reached(
    drawn: tuple[Graph, str, list[str]],
) -> None:
    graph, start, _ = drawn
    producers = {
        output.inputs[0].producer for output in graph.outputs if paths_between(graph, start, output.name)
    }
    onwards = planned(graph, (start, DOWNSTREAM))
    up_to = planned(graph, (start, until(sorted(producers))))
    assert skipped_by_rule(onwards) == skipped_by_rule(up_to) == kept(onwards, downstream(graph, [start]))
    assert floats_of(onwards) == floats_of(up_to)


@given(starts_and_ends())
def test_a_range_begins_at_every_layer_its_selector_matches(drawn: tuple[Graph, str, list[str]]) -> None:
    graph, start, ends = drawn
    plan = planned(graph, (f"op:{graph[start].type}", until(ends)))
    starts = {layer.name for layer in graph.layers if layer.type == graph[start].type}
    assert skipped_by_rule(plan) == kept(plan, starts | between(graph, starts, ends))
