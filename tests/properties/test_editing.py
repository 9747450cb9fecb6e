"""Somebody edits settings, now and then the model, and plans after every step: as if it were the first plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from clika_core.errors import SettingsError
from clika_core.planning.plan import Plan
from clika_core.planning.planner import Planner
from clika_core.testing.strategies import Scenario, disjoint_union, graphs, rule_sets, scenarios
from tests.properties.edited_graphs import edited
from tests.properties.observed import seen_of
from tests.properties.oracle.verdicts import Oracle
from tests.properties.test_agreement_with_the_oracle import expected_of


class Editing(RuleBasedStateMachine):
    """One planner per model; after every edit its plan is compared with that of a new one."""

    scenario: Scenario
    planner: Planner
    is_extended = False

    @initialize(first=scenarios(10, max_rules=2))
    def open_a_model(self, first: Scenario) -> None:
        """Start with a model, settings and measurements."""
        self.scenario = first
        self.planner = Planner(first.graph, first.target)

    @precondition(lambda self: self.scenario.graph.layers)
    @rule(data=st.data())
    def write_a_rule(self, data: Any) -> None:
        """Add a rule, or write an older one anew."""
        added = dict(data.draw(rule_sets(self.scenario.graph, max_rules=1)))
        self.scenario = self.scenario.with_rules(tuple({**dict(self.scenario.rules), **added}.items()))

    @precondition(lambda self: self.scenario.rules)
    @rule(data=st.data())
    def take_a_rule_away(self, data: Any) -> None:
        """Delete one of the rules."""
        gone = data.draw(st.sampled_from(self.scenario.rules))
        self.scenario = self.scenario.with_rules(
            tuple(pair for pair in self.scenario.rules if pair is not gone)
        )

    @precondition(lambda self: len(self.scenario.rules) > 1)
    @rule()
    def reorder_rules(self) -> None:
        """Write the last rule first."""
        self.scenario = self.scenario.with_rules(self.scenario.rules[-1:], self.scenario.rules[:-1])

    @rule(tail=st.sampled_from([True, False, None]))
    def turn_the_tail(self, tail: bool | None) -> None:
        """Skip tails, or do not."""
        self.scenario = replace(self.scenario, tail=tail)

    @rule(value=st.sampled_from([0.0, 0.1, 1.0]), threshold=st.sampled_from([None, 0.1]))
    def measure_again(self, value: float, threshold: float | None) -> None:
        """Another sensitivity of every layer, and another threshold."""
        measured = {node.name: value for node in self.scenario.graph.layers}
        self.scenario = replace(self.scenario, sensitivity=measured, threshold=threshold)

    @precondition(lambda self: not self.is_extended)
    @rule(part=graphs(4))
    def extend_the_model(self, part: Any) -> None:
        """The model gets a second part, and with it another planner."""
        graph = disjoint_union(self.scenario.graph, part)
        self.is_extended = True
        self.scenario = replace(self.scenario, graph=graph, tail=None, sensitivity=None)
        self.planner = Planner(graph, self.scenario.target)

    @rule(data=st.data())
    def edit_the_model(self, data: Any) -> None:
        """A layer more or less, another edge, tied weights, another name or output.

        Rules that mean nothing any more are taken away.
        """
        graph = data.draw(edited(self.scenario.graph))
        self.planner = Planner(graph, self.scenario.target)
        bare = replace(self.scenario, graph=graph, tail=None, sensitivity=None)
        rules = [
            pair
            for pair in bare.rules
            if not self.planner.examine(bare.with_rules((pair,)).settings().rules)[1]
        ]
        self.scenario = bare.with_rules(tuple(rules))

    @invariant()
    def the_plan_is_the_oracles(self) -> None:
        """Whatever was edited before, wherever the rules can be used."""
        plan = planned(self.planner, self.scenario)
        if plan is not None:
            assert seen_of(plan) == expected_of(Oracle(self.scenario))

    @invariant()
    def the_plan_is_that_of_a_new_planner(self) -> None:
        """Errors included: both refuse, or both give the same plan."""
        afresh = Planner(self.scenario.graph, self.scenario.target)
        assert planned(self.planner, self.scenario) == planned(afresh, self.scenario)


def planned(planner: Planner, scenario: Scenario) -> Plan | None:
    """The planner's answer; None where the rules cannot be used."""
    try:
        return planner.plan(scenario.settings(), scenario.sensitivity)
    except SettingsError:
        return None


TestEditing = Editing.TestCase
TestEditing.settings = settings(max_examples=25, stateful_step_count=10, deadline=None)
