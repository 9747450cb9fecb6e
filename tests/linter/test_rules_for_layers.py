"""The rules on selectors, ranges and what they cost (CLK2xx): quiet where they should be, right where they speak."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clika_core.diagnostics import Severity
from clika_core.planning.decision import Decision
from clika_core.settings.load import read_document
from clika_core.testing.builder import GraphBuilder
from clika_core.testing.strategies import Scenario, broken_rules, scenarios
from clika_linter import example_graphs
from clika_linter.availability import missing
from clika_linter.case import MakeGraph
from clika_linter.context import Context
from clika_linter.finding import Finding
from clika_linter.fixing import apply_edits
from clika_linter.neighbours import cheaper_neighbour
from clika_linter.rule import Rule
from clika_linter.rule_table import rules_in_files
from clika_linter.testing import graph_of
from tests.linter.random_contexts import context_of

RULES = [rule for rule in rules_in_files() if rule.code.startswith("CLK2")]
BY_CODE = {rule.code: rule for rule in RULES}
GRAPHS = [
    value
    for name, value in vars(example_graphs).items()
    if getattr(value, "__module__", None) == example_graphs.__name__ and not name.startswith("_")
]
GUIDE = (
    "layer_settings:\n  adaptive_avg_pool_1:\n    quantization_settings:\n      skip_quantization: true\n"
    "      skip_quantization_until: [{last}]\n",
    "layer_settings:\n  adaptive_avg_pool_1:\n    quantization_settings:\n      skip_quantization: true\n"
    "      skip_quantization_downstream: true\n",
)
SKIP = "layer_settings:\n  {}: {{quantization_settings: {{skip_quantization: true}}}}\n"


def residual_network(g: GraphBuilder) -> None:
    """Two residual blocks with folded norms, as ResNets have them, between a stem and a pooled head."""
    h = g.layer("conv", g.input("x", ("d0", 3, 8, 8)), weight=(8, 3, 3, 3), path="stem.0")
    h = g.layer("relu", g.layer("batch_norm", h, weight=(8,), path="stem.1"), path="stem.2")
    for number in range(2):
        branch = h
        for part in (1, 2):
            path = f"blocks.{number}"
            branch = g.layer("conv", branch, weight=(8, 8, 3, 3), path=f"{path}.conv{part}")
            branch = g.layer("batch_norm", branch, weight=(8,), path=f"{path}.norm{part}")
            if part == 1:
                branch = g.layer("relu", branch, path=f"{path}.relu")
        h = g.layer("relu", g.layer("add", h, branch, path=f"blocks.{number}"), path=f"blocks.{number}.relu")
    h = g.layer("adaptive_avg_pool", h, path="pool", output_size=(1, 1), shape=("d0", 8, 1, 1))
    g.output(g.layer("linear", g.layer("flatten", h, shape=("d0", 8)), weight=(10, 8), path="head"))


def lint(make: MakeGraph, text: str) -> Context:
    return Context(read_document(text, "settings.yaml", "yaml"), graph_of(make))


def findings(context: Context) -> Iterator[tuple[type[Rule], Finding]]:
    for rule in RULES:
        if missing(rule.needs, context) is None:
            yield from ((rule, finding) for finding in rule().check(context))


def above_info(context: Context) -> list[str]:
    found = ((rule, finding) for rule, finding in findings(context))
    return [f.message for rule, f in found if (f.severity or rule.severity) is not Severity.INFO]


@pytest.mark.parametrize("text", GUIDE, ids=["until", "downstream"])
@pytest.mark.parametrize(
    ("make", "last"),
    [(example_graphs.guide_network, "linear_5"), (residual_network, "linear_1")],
    ids=["guide", "residual"],
)
def test_the_guides_examples_give_no_warning(make: MakeGraph, last: str, text: str) -> None:
    assert above_info(lint(make, text.format(last=last))) == []


@pytest.mark.parametrize("make", [*GRAPHS, residual_network], ids=lambda make: make.__name__)
def test_the_default_plan_gives_no_warning(make: Callable[[GraphBuilder], None]) -> None:
    assert above_info(lint(make, "")) == []


def test_skipping_one_residual_block_gives_no_warning() -> None:
    assert above_info(lint(residual_network, SKIP.format("blocks.0"))) == []


@given(scenarios(), st.data())
def test_no_rule_crashes_and_every_finding_names_places_that_exist(
    scenario: Scenario, data: st.DataObject
) -> None:
    has_layers = bool(scenario.graph.layers)
    context = context_of(scenario, data.draw(broken_rules(scenario.graph)) if has_layers else None)
    for _, finding in findings(context):
        assert all(name in scenario.graph for name in finding.nodes)
        spans = [label.span for label in finding.labels] + ([finding.span] if finding.span else [])
        assert all(0 <= span.start < span.end <= len(context.source.text) for span in spans)


@given(scenarios(max_rules=0))
def test_without_a_rule_nothing_is_above_info(scenario: Scenario) -> None:
    assert above_info(context_of(scenario)) == []


@given(scenarios())
def test_a_layer_that_is_removed_is_named_only_where_its_rule_has_no_effect(scenario: Scenario) -> None:
    context = context_of(scenario)
    rule_numbers = {context.span_of(rule): number for number, rule in context.rules()}
    for finding in BY_CODE["CLK210"]().check(context):
        if "has no effect" in finding.message:
            without = context.plan_without(rule_numbers[finding.span])
            assert list(map(verdict, without.decisions)) == list(map(verdict, context.plan.decisions))


def verdict(decision: Decision) -> tuple[object, ...]:
    return decision.name, decision.precision, decision.group


@given(scenarios(), st.data())
def test_a_fixed_range_can_be_reached(scenario: Scenario, data: st.DataObject) -> None:
    wrong = data.draw(broken_rules(scenario.graph)) if scenario.graph.layers else None
    context = context_of(scenario, wrong)
    fixes = [finding.fix for finding in BY_CODE["CLK202"]().check(context) if finding.fix]
    text = apply_edits(context.source.text, [fix.edits for fix in fixes])
    document = read_document(text, "settings.json", "json")
    fixed = Context(document, scenario.graph, targets={"ort": scenario.target})
    left = [finding for finding in BY_CODE["CLK202"]().check(fixed) if finding.fix]
    assert not left or not fixes


@given(scenarios(max_rules=0), st.data())
def test_a_cheaper_choice_leaves_as_many_borders_as_it_says(scenario: Scenario, data: st.DataObject) -> None:
    context = context_of(scenario)
    if not context.plan.quantized:
        return
    skipped = data.draw(st.lists(st.sampled_from(context.plan.quantized), min_size=1, unique=True))
    rules = {f"name:{name}": {"quantization_settings": {"skip_quantization": True}} for name in skipped}
    base = with_rules(context, rules)
    found = cheaper_neighbour(base, skipped)
    if found is not None:
        rules |= {f"name:{n}": {"quantization_settings": {"skip_quantization": True}} for n in found.layers}
        assert len(with_rules(context, rules).plan.borders) == found.num_borders < len(base.plan.borders)


def with_rules(context: Context, rules: Mapping[str, object]) -> Context:
    settings = {**context.settings.to_json(), "layer_settings": rules}
    document = read_document(json.dumps(settings), "settings.json", "json")
    return Context(document, context.graph, context.raw_report, targets={"ort": context.target})


def test_a_target_on_another_branch_is_answered_with_the_layer_where_both_meet() -> None:
    def forked(g: GraphBuilder) -> None:
        h = g.layer("relu", g.input("x", ("d0", 8)))
        one, other = (g.layer("linear", h, weight=(8, 8)) for _ in range(2))
        g.output(g.layer("relu", g.layer("add", one, other)))

    text = SKIP.format("linear_1").replace("true}", "true, skip_quantization_until: [linear_2]}")
    (finding,) = BY_CODE["CLK202"]().check(lint(forked, text))
    assert finding.help == "name a layer after both, such as add_1"


def test_an_input_is_answered_with_the_layer_that_reads_it() -> None:
    (finding,) = BY_CODE["CLK201"]().check(lint(example_graphs.classifier, SKIP.format("x")))
    assert finding.help == "name the layer beside it, such as conv_1"


def test_help_on_many_borders_names_the_layers_between() -> None:
    context = lint(example_graphs.residual, SKIP.format("op:conv"))
    (finding,) = BY_CODE["CLK208"]({"max_added_borders": 0}).check(context)
    assert finding.help is not None
    assert finding.help.endswith(": skip add_1 as well, which leaves 0 borders; or skip fewer layers")


def test_help_on_a_long_tail_lists_the_first_output() -> None:
    (finding,) = BY_CODE["CLK208"]({"max_added_borders": 0}).check(lint(example_graphs.cached_keys, ""))
    expected = "list the outputs that need one: skip_tail_quantization: [output_1] leaves 5 borders"
    assert finding.help == expected
