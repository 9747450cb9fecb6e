"""What an explanation says would be, is; what a difference says differs, does."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from clika_core.errors import SettingsError
from clika_core.planning.decision import Precision
from clika_core.planning.diff import differences, side_of_plan
from clika_core.planning.explain import explain_layer
from clika_core.planning.explain_rule import explain_rule
from clika_core.planning.planner import Planner
from clika_core.settings.model import LayerQuantizationSettings
from clika_core.testing.strategies import Scenario, rule_sets, scenarios
from tests.properties.observed import floats_of, plan_of


def asked(scenario: Scenario) -> Planner:
    """A planner that has made the scenario's plan; the example is passed over where rules contradict each other."""
    planner = Planner(scenario.graph, scenario.target)
    try:
        planner.plan(scenario.settings(), scenario.sensitivity)
    except SettingsError:
        assume(False)
    return planner


@settings(max_examples=50, deadline=None)
@given(scenarios(), st.data())
def test_the_advice_quantizes_the_layer(scenario: Scenario, data: st.DataObject) -> None:
    planner = asked(scenario)
    floats = sorted(floats_of(plan_of(scenario)))
    assume(floats)
    layer = data.draw(st.sampled_from(floats))
    found = explain_layer(planner, scenario.settings(), layer, scenario.sensitivity)
    if found.keep is not None:
        given_rules = dict(scenario.rules)
        for name in found.keep:
            given_rules.pop(name, None)
            given_rules[f"name:{name}"] = LayerQuantizationSettings(skip_quantization=False)
        advised = scenario.with_rules(tuple(given_rules.items()))
        assert plan_of(advised)[layer].precision is Precision.QUANTIZED


@settings(max_examples=50, deadline=None)
@given(scenarios(), st.data())
def test_what_would_be_without_a_rule_is_the_plan_without_it(scenario: Scenario, data: st.DataObject) -> None:
    planner = asked(scenario)
    assume(scenario.graph.layers)
    layer = data.draw(st.sampled_from(scenario.graph.layers)).name
    found = explain_layer(planner, scenario.settings(), layer, scenario.sensitivity)
    for selector, precision in found.without.items():
        rules = tuple(pair for pair in scenario.rules if pair[0] != selector)
        try:
            expected = plan_of(scenario.with_rules(rules))[layer].precision
        except SettingsError:
            expected = None
        assert precision is expected
    assert found.sentences()


@settings(max_examples=50, deadline=None)
@given(scenarios())
def test_what_a_rule_alone_covers_flips_without_it(scenario: Scenario) -> None:
    planner = asked(scenario)
    plan = plan_of(scenario)
    for selector, _ in scenario.rules:
        found = explain_rule(planner, scenario.settings(), selector, scenario.sensitivity)
        assert found.sentences()
        if found.is_needed:
            continue
        other = plan_of(scenario.with_rules(tuple(pair for pair in scenario.rules if pair[0] != selector)))
        assert set(found.only_float) == floats_of(plan) - floats_of(other)
        assert set(found.only_quantized) == floats_of(other) - floats_of(plan)
        assert found.borders == len(plan.borders) - len(other.borders)


@settings(max_examples=50, deadline=None)
@given(scenarios(), st.data())
def test_a_difference_names_the_layers_that_flipped(scenario: Scenario, data: st.DataObject) -> None:
    asked(scenario)
    other = scenario.with_rules(data.draw(rule_sets(scenario.graph)))
    asked(other)
    plans = plan_of(scenario), plan_of(other)
    sides = [side_of_plan(name, plan) for name, plan in zip("ab", plans, strict=True)]
    flipped = {before.name for before, _ in differences(*sides).flipped}
    assert flipped == floats_of(plans[0]) ^ floats_of(plans[1])
    assert differences(sides[0], sides[0]).is_empty
    assert {after.name for _, after in differences(*reversed(sides)).flipped} == flipped
