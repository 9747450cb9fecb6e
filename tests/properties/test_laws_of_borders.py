"""Borders stand exactly where values change, explanations end somewhere, and errors are errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from clika_core.errors import SettingsError
from clika_core.ir.graph import Graph, NodeKind
from clika_core.ir.operators import Trait, trait_of
from clika_core.planning.decision import BorderKind, CauseKind, Precision
from clika_core.planning.plan import Plan
from clika_core.settings.model import LayerQuantizationSettings
from clika_core.testing.strategies import Scenario, broken_rules, graphs, scenarios
from tests.properties.observed import floats_of, plan_of


def planned(scenario: Scenario) -> Plan:
    """The plan; the example is passed over where the rules contradict each other."""
    try:
        return plan_of(scenario)
    except SettingsError:
        assume(False)
        raise


@given(scenarios(20))
def test_a_value_has_at_most_one_border_and_it_is_floating_point(scenario: Scenario) -> None:
    borders = planned(scenario).borders
    values = [(border.producer, border.port) for border in borders]
    assert len(set(values)) == len(values)
    assert all(scenario.graph.value(value).is_float for value in values)
    assert len({border.name for border in borders}) == len(borders)


@given(scenarios(20))
def test_a_border_is_named_after_the_value_and_the_way_it_crosses(scenario: Scenario) -> None:
    for border in planned(scenario).borders:
        port = f".{border.port}" if border.port else ""
        way = "quantized" if border.kind is BorderKind.QUANTIZE else "dequantized"
        assert border.name == f"{border.producer}{port}_{way}"


@given(scenarios(20))
def test_producer_and_consumers_of_a_border_stand_on_its_two_sides(scenario: Scenario) -> None:
    plan = planned(scenario)
    quantized = {decision.name for decision in plan.decisions if decision.precision is Precision.QUANTIZED}
    for border in plan.borders:
        assert border.consumers
        sides = {border.producer in quantized, *(name not in quantized for name in border.consumers)}
        assert sides == {border.kind is BorderKind.DEQUANTIZE}


@given(scenarios(20))
def test_no_pair_of_borders_encloses_only_layers_that_move_values(scenario: Scenario) -> None:
    plan = planned(scenario)
    quantized = {decision.name for decision in plan.decisions if decision.precision is Precision.QUANTIZED}
    for region in regions(scenario.graph, plan, quantized):
        if any(border.kind is BorderKind.QUANTIZE for border in plan.borders if {*border.consumers} & region):
            assert any(trait_of(scenario.graph[name]) is not Trait.TRANSPARENT for name in region)


@given(scenarios(20))
def test_what_is_inherited_leads_back_to_a_layer_that_is_float_by_itself(scenario: Scenario) -> None:
    plan = planned(scenario)
    grounded = {output.name for output in scenario.graph.outputs} | {
        decision.name
        for decision in plan.decisions
        if any(cause.kind is not CauseKind.INHERITED for cause in decision.causes)
    }
    while True:
        more = {
            decision.name
            for decision in plan.decisions
            if any(cause.of and set(cause.of) <= grounded for cause in decision.causes)
        }
        if more <= grounded:
            break
        grounded |= more
    assert floats_of(plan) <= grounded


@given(graphs(8), st.data())
def test_a_rule_that_cannot_be_meant_is_an_error(graph: Graph, data: st.DataObject) -> None:
    assume(graph.layers)
    selector, keywords = data.draw(broken_rules(graph))
    with pytest.raises(SettingsError) as error:
        plan_with(graph, selector, keywords)
    assert str(error.value)


def plan_with(graph: Graph, selector: str, keywords: Mapping[str, Any]) -> Plan:
    """The plan under one rule, whose keywords may be an error already."""
    return plan_of(Scenario(graph, ((selector, LayerQuantizationSettings(**keywords)),)))


def regions(graph: Graph, plan: Plan, quantized: set[str]) -> list[set[str]]:
    """The quantized layers, those together that hand each other codes, through removed layers too."""
    inner = quantized | set(plan.removed)
    joined = {name: {name} for name in inner}
    for node in graph.nodes:
        for port in node.inputs:
            is_code = graph.value(port.key).is_float and graph[port.producer].kind is NodeKind.LAYER
            if node.name in inner and port.producer in inner and is_code:
                union = joined[node.name] | joined[port.producer]
                joined.update(dict.fromkeys(union, union))
    return [region & quantized for region in joined.values() if region & quantized]
