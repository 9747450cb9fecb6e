"""The rules on models and targets, over random ones: they say what the plan says, and never crash."""

from __future__ import annotations

import json

from hypothesis import given

from clika_core.diagnostics import Severity
from clika_core.ir.operators import is_weighted
from clika_core.planning.decision import CauseKind, Precision
from clika_core.settings.load import read_document
from clika_core.testing.strategies import Scenario, scenarios
from clika_linter.context import Context
from clika_linter.finding import Finding
from clika_linter.report import report_from_json
from clika_linter.rule import Rule
from clika_linter.rules.bits_unsupported_by_target import BitsUnsupportedByTarget
from clika_linter.rules.mostly_float import MostlyFloat
from clika_linter.rules.no_weighted_layer import NoWeightedLayer
from clika_linter.rules.nothing_quantized import NothingQuantized
from clika_linter.rules.stale_graph import StaleGraph
from clika_linter.rules.tail_disabled import TailDisabled
from clika_linter.rules.tail_layers import TailLayers
from clika_linter.rules.unknown_operator import UnknownOperator
from clika_linter.rules.unsupported_by_target import UnsupportedByTarget

RULES: tuple[type[Rule], ...] = (
    *(StaleGraph, TailLayers, TailDisabled, NothingQuantized, MostlyFloat, NoWeightedLayer),
    *(UnknownOperator, UnsupportedByTarget, BitsUnsupportedByTarget),
)


def context_of(scenario: Scenario) -> Context:
    """The settings written as a file, the measurements as a report."""
    text = json.dumps(scenario.settings().to_json())
    layers = [
        {"name": name, "qs": str(qs) if qs > 1 else qs} for name, qs in (scenario.sensitivity or {}).items()
    ]
    report = {
        "format": "clika-report",
        "version": 1,
        "graph": {"fingerprint": scenario.graph.fingerprint},
        "layers": layers,
    }
    return Context(
        read_document(text, "settings.json", "json"),
        scenario.graph,
        report_from_json(report, "clika_report.json"),
        targets={"ort": scenario.target},
    )


def found(rule: type[Rule], context: Context) -> list[Finding]:
    return list(rule().check(context))


def lost_to_bits(context: Context) -> list[Finding]:
    """The findings that name layers which stay float for their bits alone."""
    return [finding for finding in found(BitsUnsupportedByTarget, context) if "stay" in finding.message]


@given(scenarios())
def test_no_rule_crashes_and_every_node_is_a_layer(scenario: Scenario) -> None:
    context = context_of(scenario)
    layers = {node.name for node in scenario.graph.layers}
    for rule in RULES:
        for finding in found(rule, context):
            assert layers.issuperset(finding.nodes)
            assert not finding.message[0].isupper()
            assert not finding.message.endswith(".")


@given(scenarios())
def test_the_tail_that_is_told_is_the_plans(scenario: Scenario) -> None:
    context = context_of(scenario)
    in_tail = [d.name for d in context.plan.decisions if any(c.kind is CauseKind.TAIL for c in d.causes)]
    told = [name for finding in found(TailLayers, context) for name in finding.nodes]
    assert told == in_tail


@given(scenarios())
def test_nothing_quantized_is_said_where_no_weight_is_quantized(scenario: Scenario) -> None:
    context = context_of(scenario)
    weighted = {node.name for node in scenario.graph.layers if is_weighted(node)}
    is_said = bool(found(NothingQuantized, context))
    lost = {name for finding in lost_to_bits(context) for name in finding.nodes}
    assert is_said == weighted.isdisjoint({*context.plan.quantized, *lost})


@given(scenarios())
def test_layers_lost_to_bits_are_float_and_would_run_at_eight(scenario: Scenario) -> None:
    context = context_of(scenario)
    for finding in lost_to_bits(context):
        for name in finding.nodes:
            assert context.plan[name].precision is Precision.FLOAT
            assert scenario.target.support(scenario.graph, scenario.graph[name], 8, 8) is None


@given(scenarios(max_rules=0))
def test_without_rules_and_threshold_nothing_mostly_float_or_unsupported_is_above_info(
    scenario: Scenario,
) -> None:
    document = read_document("", "settings.yaml")
    context = Context(document, scenario.graph, targets={"ort": scenario.target})
    for rule in (MostlyFloat, UnsupportedByTarget):
        assert {finding.severity for finding in found(rule, context)} <= {Severity.INFO}
