"""A planner that has made other plans before gives the same plan as one that has not."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from clika_core.errors import SettingsError
from clika_core.planning.plan import Plan, make_plan
from clika_core.planning.planner import Planner
from clika_core.planning.sensitivities import sensitivities
from clika_core.testing.strategies import Scenario, rival_rules, rule_sets, scenarios


def planned(planner: Planner, scenario: Scenario) -> Plan | None:
    """The planner's answer; None where the rules cannot be used."""
    try:
        return planner.plan(scenario.settings(), scenario.sensitivity)
    except SettingsError:
        return None


def planned_afresh(scenario: Scenario) -> Plan | None:
    """The answer of a planner that has never been asked."""
    return planned(Planner(scenario.graph, scenario.target), scenario)


def others(scenario: Scenario, data: st.DataObject) -> list[Scenario]:
    """The question again with one rule more, less or other, and with another tail, threshold or default."""
    graph = scenario.graph
    found = [scenario]
    for _ in range(3):
        last = found[-1]
        changes = data.draw(st.sets(st.sampled_from(["drop", "rival"])))
        rules = dict(last.rules)
        if rules and "drop" in changes:
            del rules[data.draw(st.sampled_from(sorted(rules)))]
        rules.update(data.draw(rule_sets(graph, max_rules=1)))
        if graph.layers and "rival" in changes:
            rules.update(data.draw(rival_rules(graph)))
        tail = data.draw(st.sampled_from([last.tail, last.tail, False, True]))
        measured = data.draw(st.sampled_from([last.sensitivity, None]))
        found.append(replace(last, rules=tuple(rules.items()), tail=tail, sensitivity=measured))
    return found


@given(scenarios(), st.data())
def test_what_was_asked_before_changes_no_plan(scenario: Scenario, data: st.DataObject) -> None:
    planner = Planner(scenario.graph, scenario.target)
    for question in others(scenario, data):
        assert planned(planner, question) == planned_afresh(question)


@settings(max_examples=20, deadline=None)
@given(scenarios(60), st.data())
def test_what_was_asked_before_changes_no_plan_of_a_larger_graph(
    scenario: Scenario, data: st.DataObject
) -> None:
    planner = Planner(scenario.graph, scenario.target)
    for question in others(scenario, data):
        assert planned(planner, question) == planned_afresh(question)


@given(scenarios(), st.data())
def test_tools_that_decide_on_rules_they_examined_see_the_same_plans(
    scenario: Scenario, data: st.DataObject
) -> None:
    planner = Planner(scenario.graph, scenario.target)
    for question in others(scenario, data):
        asked = question.settings()
        reach, problems = planner.examine(asked.rules)
        if not problems:
            measured = sensitivities(question.sensitivity or {})
            assert planner.decide(asked, reach, measured) == planned_afresh(question)
        planned(planner, question)


@given(scenarios())
def test_a_planner_makes_the_plan_that_make_plan_makes(scenario: Scenario) -> None:
    try:
        expected = make_plan(scenario.graph, scenario.settings(), scenario.target, scenario.sensitivity)
    except SettingsError:
        expected = None
    assert planned_afresh(scenario) == expected
