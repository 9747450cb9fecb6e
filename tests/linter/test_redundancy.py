"""Rules called redundant are: without all of them together, the quantized model is the same; the others matter."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings

from clika_core.errors import ClikaError
from clika_core.planning.decision import Precision
from clika_core.planning.plan import Plan, make_plan
from clika_core.planning.sensitivities import sensitivities
from clika_core.settings.document import Document
from clika_core.settings.model import Settings
from clika_core.settings.source import Source
from clika_core.testing.strategies import Scenario, scenarios
from clika_linter.context import Context
from clika_linter.redundancy import redundant_rules


class Prepared(Context):
    """A context with settings made in Python."""

    def __init__(self, scenario: Scenario, given: Settings) -> None:
        super().__init__(Document(Source("s.yaml", ""), None), scenario.graph)
        self.__dict__["_interpreted"] = (given, ())
        self.__dict__["target"] = scenario.target
        self.__dict__["measured"] = sensitivities(scenario.sensitivity or {})


def verdicts(plan: Plan) -> dict[str, Any]:
    """What the quantized model depends on."""
    return {
        d.name: (d.group, d.weights_num_bits, d.activations_num_bits)
        if d.precision is Precision.QUANTIZED
        else d.precision
        for d in plan.decisions
    }


def without(given: Settings, selectors: set[str]) -> Settings:
    """The settings without some rules."""
    left = Settings()
    left.global_quantization_settings = given.global_quantization_settings
    for rule in given.rules:
        if rule.selector not in selectors:
            left.set_rule(rule)
    return left


@given(scenarios())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_redundant_rules_are_those_that_can_go_together_and_no_more(scenario: Scenario) -> None:
    chosen = scenario.settings()

    def outcome(selectors: set[str]) -> dict[str, Any]:
        left = without(chosen, selectors)
        return verdicts(make_plan(scenario.graph, left, scenario.target, scenario.sensitivity))

    try:
        whole = outcome(set())
    except ClikaError:
        return
    context = Prepared(scenario, chosen)
    redundant = {context.reach.rules[number].rule.selector for number in redundant_rules(context)}
    assert outcome(redundant) == whole
    used = {rule.rule.selector for rule in context.reach.rules}
    for selector in used - redundant:
        try:
            other = outcome({*redundant, selector})
        except ClikaError:
            continue  # the rule keeps peace between two others
        assert other != whole, selector
