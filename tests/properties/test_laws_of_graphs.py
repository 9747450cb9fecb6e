"""What must not matter: order, names, origin, weights, files, and whether removed layers are still there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from clika_core.errors import SettingsError
from clika_core.ir.graph import Graph, InputPort, Node
from clika_core.ir.removals import removals
from clika_core.ir.snapshot import load_graph
from clika_core.planning.decision import Border, Cause
from clika_core.planning.plan import Plan, make_plan
from clika_core.settings.model import LayerQuantizationSettings, Settings
from clika_core.testing.strategies import (
    Scenario,
    names_only,
    relabelings,
    renamed,
    renamings,
    reorderings,
    scenarios,
)
from tests.properties.observed import Seen, plan_of, seen_of


def planned(scenario: Scenario) -> Plan:
    """The plan; the example is passed over where the rules contradict each other."""
    try:
        return plan_of(scenario)
    except SettingsError:
        assume(False)
        raise


@given(scenarios(), st.data())
def test_the_order_in_which_nodes_are_listed_changes_nothing(scenario: Scenario, data: st.DataObject) -> None:
    plan = planned(scenario)
    again = plan_of(replace(scenario, graph=data.draw(reorderings(scenario.graph))))
    assert unordered(seen_of(again)) == unordered(seen_of(plan))
    assert {d.name: d.group for d in again.decisions} == {d.name: d.group for d in plan.decisions}
    assert {unordered_border(b) for b in again.borders} == {unordered_border(b) for b in plan.borders}


@given(scenarios(names_only=True), st.data())
def test_names_change_nothing_when_rules_use_exact_names(scenario: Scenario, data: st.DataObject) -> None:
    names = data.draw(renamings(scenario.graph))
    plan = planned(scenario)
    again = plan_of(renamed_scenario(scenario, names))
    translated = {names[name]: renamed_verdict(verdict, names) for name, verdict in seen_of(plan).items()}
    assert seen_of(again) == translated
    assert [d.group for d in again.decisions] == [d.group and names[d.group] for d in plan.decisions]
    assert [(b.producer, b.port, b.kind) for b in again.borders] == [
        (names[b.producer], b.port, b.kind) for b in plan.borders
    ]


@given(scenarios())
def test_planning_twice_is_planning_once(scenario: Scenario) -> None:
    settings, before = scenario.settings(), scenario.settings()
    plans = []
    for _ in range(2):
        try:
            plans.append(make_plan(scenario.graph, settings, scenario.target, scenario.sensitivity))
        except SettingsError:
            assume(False)
    assert plans[0] == plans[1]
    assert settings == before


@given(scenarios(max_rules=0), st.data())
def test_planning_and_removing_commute(scenario: Scenario, data: st.DataObject) -> None:
    smaller = replace(scenario, graph=without_removed(scenario.graph))
    rules = data.draw(names_only(smaller.graph))
    plan = planned(scenario.with_rules(rules))
    of_smaller = planned(smaller.with_rules(rules))
    kept = {decision.name: decision for decision in plan.decisions if decision.precision != "removed"}
    assert seen_of(of_smaller) == {name: seen for name, seen in seen_of(plan).items() if name in kept}
    assert {d.name: d.group for d in of_smaller.decisions} == {d.name: d.group for d in kept.values()}
    assert of_smaller.borders == plan.borders


@given(scenarios(max_rules=0))
def test_nothing_is_left_to_remove_after_removing(scenario: Scenario) -> None:
    assert removals(without_removed(scenario.graph)) == {}


@given(scenarios(), st.data())
def test_weights_origin_and_example_sizes_change_nothing(scenario: Scenario, data: st.DataObject) -> None:
    other = data.draw(relabelings(scenario.graph))
    assert other.fingerprint == scenario.graph.fingerprint
    assert seen_of(planned(replace(scenario, graph=other))) == seen_of(planned(scenario))


@given(scenarios())
def test_writing_and_reading_the_graph_changes_nothing(scenario: Scenario) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "model.graph.json")
        scenario.graph.save(path)
        graph = load_graph(path)
    assert graph == scenario.graph
    assert plan_of_or_none(scenario) == plan_of_or_none(replace(scenario, graph=graph))


@pytest.mark.parametrize("suffix", [".yaml", ".json"])
@given(scenario=scenarios())
def test_writing_and_reading_settings_changes_nothing(scenario: Scenario, suffix: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, f"settings{suffix}")
        scenario.settings().save(path)
        settings = Settings.load_from_path(path)
    assert settings == scenario.settings()
    plan = planned(scenario)
    again = make_plan(scenario.graph, settings, scenario.target, scenario.sensitivity)
    assert seen_of(again) == seen_of(plan)
    assert again.borders == plan.borders


def plan_of_or_none(scenario: Scenario) -> Plan | None:
    """The plan, or None where the scenario is an error."""
    try:
        return plan_of(scenario)
    except SettingsError:
        return None


def unordered(decisions: Mapping[str, Seen]) -> dict[str, Seen]:
    """Decisions whose causes name layers in no order: trace order is another one."""
    return {
        name: replace(seen, causes=sorted_names(seen.causes), overridden=sorted_names(seen.overridden))
        for name, seen in decisions.items()
    }


def sorted_names(causes: frozenset[Cause]) -> frozenset[Cause]:
    """Causes with the names that they tell in alphabetical order."""
    return frozenset(replace(cause, of=tuple(sorted(cause.of))) for cause in causes)


def unordered_border(border: Border) -> Border:
    """A border with its consumers in alphabetical order."""
    return replace(border, consumers=tuple(sorted(border.consumers)))


def renamed_scenario(scenario: Scenario, names: Mapping[str, str]) -> Scenario:
    """The scenario with the nodes renamed wherever they are named."""
    tail = (
        tuple(names[output] for output in scenario.tail)
        if isinstance(scenario.tail, tuple)
        else scenario.tail
    )
    measured = scenario.sensitivity and {names.get(n, n): qs for n, qs in scenario.sensitivity.items()}
    rules = tuple((renamed_text(text, names), renamed_rule(rule, names)) for text, rule in scenario.rules)
    return replace(
        scenario, graph=renamed(scenario.graph, names), rules=rules, tail=tail, sensitivity=measured
    )


def renamed_text(selector: str, names: Mapping[str, str]) -> str:
    """An exact name, with `name:` before it or not."""
    forced, _, name = selector.rpartition(":")
    return f"{forced}:{names[name]}" if forced else names[name]


def renamed_rule(rule: LayerQuantizationSettings, names: Mapping[str, str]) -> LayerQuantizationSettings:
    keywords = rule.to_json()
    if "skip_quantization_until" in keywords:
        keywords["skip_quantization_until"] = [
            renamed_text(text, names) for text in rule.skip_quantization_until or ()
        ]
    return LayerQuantizationSettings(**keywords)


def renamed_verdict(seen: Seen, names: Mapping[str, str]) -> Seen:
    return replace(
        seen,
        causes=frozenset(renamed_cause(cause, names) for cause in seen.causes),
        overridden=frozenset(renamed_cause(cause, names) for cause in seen.overridden),
    )


def renamed_cause(cause: Cause, names: Mapping[str, str]) -> Cause:
    return replace(
        cause,
        selector=cause.selector and renamed_text(cause.selector, names),
        of=tuple(names[name] for name in cause.of),
    )


def without_removed(graph: Graph) -> Graph:
    """The graph as preprocessing leaves it: whoever read a removed layer reads what that one read."""
    removed = removals(graph)
    sources: dict[str, InputPort] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        inputs = tuple(
            replace(sources[port.producer], role=port.role) if port.producer in sources else port
            for port in node.inputs
        )
        if node.name in removed:
            sources[node.name] = inputs[0]
        else:
            nodes.append(replace(node, inputs=inputs))
    return replace(graph, nodes=tuple(nodes))
