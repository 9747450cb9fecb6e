"""Cases that models and settings really have, each read off the rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from clika_core.errors import SettingsError
from clika_core.ir.graph import Graph, Weight
from clika_core.planning.decision import Precision
from clika_core.planning.plan import make_plan
from clika_core.planning.selectors import SelectorIndex
from clika_core.settings.load import load_settings
from clika_core.settings.model import LayerQuantizationSettings, Settings
from clika_core.targets.ort import ORT
from clika_core.testing import GraphBuilder
from tests.core.planning.asking import ask, bits, keep, skip
from tests.core.planning.networks import chain, classifier, detector, transformer


def test_a_graph_without_layers_has_no_decisions_and_no_borders() -> None:
    g = GraphBuilder()
    g.output(g.input("x"))
    plan = make_plan(g.build(), Settings(), ORT)
    assert (plan.decisions, plan.borders, plan.diagnostics) == ((), (), ())
    assert make_plan(Graph(()), Settings(), ORT).decisions == ()


def test_an_output_that_is_an_input_has_no_tail_and_no_border() -> None:
    g = GraphBuilder()
    x = g.input("x")
    g.output(x)
    g.output(g.layer("linear", x, weight=(8, 8)))
    plan = ask(g.build(), tail=None)
    assert plan["linear_1"].causes[0].of == ("output_2",)
    assert plan.borders == ()


def test_a_removed_layer_can_be_the_end_of_a_range_and_its_start() -> None:
    plan = ask(classifier(), {"linear_1": skip(["dropout_1"])})
    assert plan.skipped == ("linear_1", "relu_3")
    assert plan["dropout_1"].precision is Precision.REMOVED
    plan = ask(classifier(), {"dropout_1": skip(["linear_3"])})
    assert plan.skipped == ("linear_2", "relu_4", "linear_3", "relu_5")


def test_ranges_that_overlap_nest_and_touch_unite() -> None:
    rules = {"linear_1": skip(["linear_3"]), "linear_2": skip(["linear_4"]), "relu_4": skip(["linear_3"])}
    rules["linear_4"] = skip(["linear_5"])
    plan = ask(classifier(), rules)
    assert plan.skipped == (
        "linear_1", "relu_3", "linear_2", "relu_4", "linear_3", "relu_5", "linear_4", "relu_6", "linear_5"
    )  # fmt: skip
    assert [cause.selector for cause in plan["relu_4"].causes if cause.selector] == [
        "linear_1",
        "linear_2",
        "relu_4",
    ]


def test_several_targets_are_named_where_they_are_reached() -> None:
    plan = ask(detector(), {"relu_1": skip(["conv_3", "conv_5"])})
    assert plan["relu_1"].causes[0].of == ("conv_3", "conv_5")
    assert plan["conv_2"].causes[0].of == ("conv_3",)
    assert plan["conv_4"].causes[0].of == ("conv_5",)


def test_an_explicit_false_holds_against_tail_range_and_sensitivity_at_once() -> None:
    settings = Settings()
    settings.global_quantization_settings.quantization_sensitivity_threshold = 0.1
    settings.set_quantization_settings_for_layer("linear_4", skip(["linear_5"]))
    settings.set_quantization_settings_for_layer("name:linear_5", keep())
    plan = make_plan(classifier(), settings, ORT, {"linear_5": 0.9})
    assert plan["linear_5"].precision is Precision.QUANTIZED
    assert [str(cause.kind) for cause in plan["linear_5"].overridden] == ["tail", "rule", "sensitivity"]


def test_bits_are_decided_field_by_field() -> None:
    settings = {
        "op:linear": LayerQuantizationSettings(weights_num_bits=4, activations_num_bits=8),
        "linear_1": bits(8),
    }
    decision = ask(classifier(), settings)["linear_1"]
    assert (decision.weights_num_bits, decision.activations_num_bits) == (8, 8)
    assert ask(classifier(), settings)["linear_2"].causes[0].of == ("ort has no 4-bit weights",)


def test_each_use_of_a_tied_weight_is_decided_by_itself() -> None:
    g = GraphBuilder()
    shared = Weight("weight", (8, 8), "float32", "shared")
    h = g.layer("relu", g.layer("linear", g.input("x"), weight=shared, path="a"))
    g.output(g.layer("linear", h, weight=shared, path="b"))
    plan = ask(g.build(), {"a": skip()})
    assert (plan["linear_1"].precision, plan["linear_2"].precision) == ("float", "quantized")


def test_a_path_means_every_call_of_the_layer() -> None:
    g = GraphBuilder()
    h = g.input("x")
    for _ in range(2):
        h = g.layer("linear", h, weight=(8, 8), path="shared")
    g.output(h)
    assert ask(g.build(), {"shared": skip()}).skipped == ("linear_1", "linear_2")
    assert ask(g.build(), {"linear_2": skip()}).skipped == ("linear_2",)


def test_only_listed_outputs_have_a_tail() -> None:
    graph = transformer(2)
    assert ask(graph, tail=("past_key_values.*.key",)).skipped != ask(graph, tail=None).skipped
    listed = ask(graph, tail=("last_hidden_state",))
    assert {output for d in listed.decisions for c in d.causes if c.kind == "tail" for output in c.of} == {
        "output_1"
    }


@pytest.mark.parametrize(("key", "path"), [("1.10", "1.10"), ("0", "0"), ("no", "no"), ("a[0]/b", "a.0.b")])
def test_keys_are_texts_never_numbers_or_booleans(key: str, path: str, tmp_path: Path) -> None:
    g = GraphBuilder()
    g.output(g.layer("softmax", g.layer("linear", g.input("x"), weight=(8, 8), path=path)))
    file = tmp_path / "settings.yaml"
    file.write_text(f"layer_settings:\n  {key}:\n    quantization_settings: {{skip_quantization: true}}\n")
    plan = make_plan(g.build(), load_settings(file), ORT)
    assert plan["linear_1"].causes[-1].selector == key


def test_a_regular_expression_matches_whole_names_alone() -> None:
    g = GraphBuilder()
    h = g.layer("linear", g.input("x"), weight=(8, 8), path="mlp.gate")
    g.output(g.layer("linear", h, weight=(8, 8), path="mlp.gate_proj"))
    index = SelectorIndex(g.build())
    assert list(index.match("re:mlp.gate")) == [1]
    assert list(index.match("re:mlp.gate.*")) == [1, 2]


def test_a_rule_in_one_part_leaves_a_part_that_is_not_connected_alone() -> None:
    g = GraphBuilder()
    g.output(g.layer("softmax", g.input("x")))
    g.output(g.layer("softmax", g.input("y")))
    assert ask(g.build(), {"softmax_1": skip(downstream=True)}).skipped == ("softmax_1",)


def test_what_matches_nothing_may_be_ignored_target_by_target() -> None:
    rule = LayerQuantizationSettings(
        skip_quantization=True, skip_quantization_until=["linear_3", "linear_99"], on_unmatched="ignore"
    )
    assert ask(classifier(), {"linear_2": rule}).skipped == ("linear_2", "relu_4", "linear_3", "relu_5")
    with pytest.raises(SettingsError, match="linear_99"):
        ask(classifier(), {"linear_2": skip(["linear_3", "linear_99"])})


def test_a_chain_of_moves_between_float_layers_stays_float() -> None:
    plan = ask(chain("conv", "reshape", "permute", "conv"), {"conv_*": skip()})
    assert plan.quantized == ()
    assert plan.borders == ()
