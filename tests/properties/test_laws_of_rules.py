"""What holds of rules together: they commute, they only add, none is without consequence and silent."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from clika_core.errors import SettingsError
from clika_core.ir.graph import Graph
from clika_core.planning.decision import CauseKind, Precision
from clika_core.planning.plan import Plan
from clika_core.testing.strategies import (
    Scenario,
    disjoint_union,
    graphs,
    names_only,
    scenarios,
    skipping_rules,
)
from tests.properties.observed import Seen, floats_of, plan_of, seen_of
from tests.properties.oracle.causes import rules_in_force


def planned(scenario: Scenario) -> Plan:
    """The plan; the example is passed over where the rules contradict each other."""
    try:
        return plan_of(scenario)
    except SettingsError:
        assume(False)
        raise


@given(scenarios(20), st.data())
def test_adding_a_rule_that_skips_never_makes_a_layer_quantized(
    scenario: Scenario, data: st.DataObject
) -> None:
    assume(scenario.graph.layers)
    added = data.draw(skipping_rules(scenario.graph))
    assume(added[0][0] not in dict(scenario.rules))
    before = floats_of(planned(scenario))
    after = floats_of(planned(scenario.with_rules(scenario.rules, added)))
    assert before <= after


@given(scenarios(20), st.data())
def test_the_order_of_rules_changes_nothing(scenario: Scenario, data: st.DataObject) -> None:
    plan = planned(scenario)
    shuffled = tuple(data.draw(st.permutations(scenario.rules)))
    again = plan_of(replace(scenario, rules=shuffled))
    assert seen_of(again) == seen_of(plan)
    assert again.groups == plan.groups
    assert again.borders == plan.borders
    assert {found.related for found in again.diagnostics} == {found.related for found in plan.diagnostics}


@given(scenarios(20), st.data())
def test_contradictions_are_found_in_any_order_of_rules(scenario: Scenario, data: st.DataObject) -> None:
    shuffled = tuple(data.draw(st.permutations(scenario.rules)))
    assert is_error(scenario) == is_error(replace(scenario, rules=shuffled))


@given(scenarios(), graphs(), st.data())
def test_a_rule_in_one_component_never_touches_another(
    scenario: Scenario, other: Graph, data: st.DataObject
) -> None:
    alone = replace(scenario, rules=data.draw(names_only(scenario.graph)), tail=None)
    both = replace(alone, graph=disjoint_union(alone.graph, other))
    together = seen_of(planned(both))
    touched = {layer.name for layer in alone.graph.layers}
    assert {name: seen for name, seen in together.items() if name in touched} == seen_of(planned(alone))
    untouched = seen_of(plan_of(both.with_rules()))
    assert {name: seen for name, seen in together.items() if name not in touched} == {
        name: seen for name, seen in untouched.items() if name not in touched
    }


@given(scenarios(20))
def test_a_layer_is_float_exactly_when_it_has_a_cause(scenario: Scenario) -> None:
    for decision in planned(scenario).decisions:
        assert (decision.precision is Precision.FLOAT) == bool(decision.causes)


@given(scenarios())
def test_a_rule_is_reported_exactly_when_decisions_are_the_same_without_it(scenario: Scenario) -> None:
    plan = planned(scenario)
    reported = {
        selector
        for found in plan.diagnostics
        if found.code == "rule-without-effect"
        for selector in found.related
    }
    decisions = seen_of(plan, with_wording=True)
    in_force = [rule.selector for rule in rules_in_force(scenario)]
    assert reported == {s for s in in_force if decisions_without(scenario, s) == decisions}


@given(scenarios())
def test_a_rule_that_is_not_reported_is_a_cause_or_overrides_one_or_sets_bits(scenario: Scenario) -> None:
    plan = planned(scenario)
    reported = {selector for found in plan.diagnostics for selector in found.related}
    causes = {c.selector for d in plan.decisions for c in (*d.causes, *d.overridden)}
    overrides = any(d.overridden for d in plan.decisions)
    for rule in rules_in_force(scenario):
        says_bits = rule.body.weights_num_bits is not None or rule.body.activations_num_bits is not None
        keeps = rule.body.skip_quantization is False and overrides
        assert rule.selector in reported | causes or says_bits or keeps


@given(scenarios(20))
def test_an_explicit_false_loses_tail_rules_and_sensitivity_and_nothing_else(scenario: Scenario) -> None:
    may_be_lost = {CauseKind.TAIL, CauseKind.RULE, CauseKind.SENSITIVITY}
    for decision in planned(scenario).decisions:
        if decision.overridden:
            assert {cause.kind for cause in decision.overridden} <= may_be_lost
            assert not {cause.kind for cause in decision.causes} & may_be_lost


def is_error(scenario: Scenario) -> bool:
    """Whether planning refuses the scenario."""
    try:
        plan_of(scenario)
    except SettingsError:
        return True
    return False


def decisions_without(scenario: Scenario, selector: str) -> dict[str, Seen] | None:
    """The decisions without the rule of that selector; None where the others then contradict each other."""
    rest = tuple(rule for rule in scenario.rules if rule[0] != selector)
    try:
        return seen_of(plan_of(replace(scenario, rules=rest)), with_wording=True)
    except SettingsError:
        return None
