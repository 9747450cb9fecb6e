"""The engine gives the answers of an oracle that enumerates paths, or refuses where it refuses."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings

from clika_core.errors import SettingsError
from clika_core.planning.decision import CauseKind
from clika_core.testing.strategies import Scenario, scenarios
from tests.properties.observed import Seen, plan_of, seen_of
from tests.properties.oracle.selection import ContradictionError
from tests.properties.oracle.verdicts import Crossing, Oracle


def answered(scenario: Scenario) -> Oracle:
    """The oracle's answer; the example is passed over where the scenario is an error."""
    try:
        return Oracle(scenario)
    except ContradictionError:
        assume(False)
        raise


def expected_of(oracle: Oracle) -> dict[str, Seen]:
    """The oracle's decisions in the form in which the engine's are compared."""
    return {
        name: Seen(
            verdict.precision,
            verdict.causes,
            verdict.overridden,
            verdict.bits if verdict.precision == "quantized" else None,
        )
        for name, verdict in oracle.verdicts().items()
    }


@given(scenarios())
def test_precision_causes_overrides_and_bits_are_those_of_the_oracle(scenario: Scenario) -> None:
    expected = expected_of(answered(scenario))
    assert seen_of(plan_of(scenario)) == expected


@settings(max_examples=20, deadline=None)  # the oracle enumerates paths
@given(scenarios(60))
def test_precision_causes_overrides_and_bits_are_those_of_the_oracle_in_larger_graphs(
    scenario: Scenario,
) -> None:
    expected = expected_of(answered(scenario))
    assert seen_of(plan_of(scenario)) == expected


@given(scenarios())
def test_scenarios_are_errors_exactly_where_the_oracle_says_so(scenario: Scenario) -> None:
    try:
        Oracle(scenario)
    except ContradictionError:
        with pytest.raises(SettingsError):
            plan_of(scenario)
    else:
        plan_of(scenario)


@given(scenarios())
def test_groups_are_those_of_the_oracle(scenario: Scenario) -> None:
    oracle = answered(scenario)
    plan = plan_of(scenario)
    expected = {name: verdict.group for name, verdict in oracle.verdicts().items()}
    assert {decision.name: decision.group for decision in plan.decisions} == expected


@given(scenarios())
def test_borders_are_those_of_the_oracle(scenario: Scenario) -> None:
    oracle = answered(scenario)
    found = [
        Crossing(border.name, border.producer, border.port, str(border.kind), border.consumers)
        for border in plan_of(scenario).borders
    ]
    assert sorted(found, key=lambda border: border.name) == sorted(
        oracle.crossings(), key=lambda border: border.name
    )


@given(scenarios())
def test_what_a_layer_inherits_from_is_named_by_one_of_the_clauses_that_hold(scenario: Scenario) -> None:
    oracle = answered(scenario)
    for decision in plan_of(scenario).decisions:
        clauses = oracle.verdicts()[decision.name].inherited_from
        named = [cause.of for cause in decision.causes if cause.kind is CauseKind.INHERITED]
        assert len(named) == bool(clauses)
        assert set(named) <= clauses
