"""`skip_quantization_until`: every layer on any directed path to the targets, both ends included."""

from __future__ import annotations

import pytest

from clika_core.errors import SettingsError
from clika_core.planning.decision import How
from clika_core.settings.model import LayerQuantizationSettings
from clika_core.testing import GraphBuilder
from tests.core.planning.asking import ask, findings, skip
from tests.core.planning.networks import chain, classifier, diamond, transformer


def test_the_guides_first_example_skips_from_the_pool_to_the_last_linear_both_included() -> None:
    plan = ask(classifier(), {"adaptive_avg_pool_1": skip(["linear_5"])})
    assert plan.skipped == (
        "adaptive_avg_pool_1", "flatten_1", "linear_1", "relu_3", "linear_2", "relu_4", "linear_3", "relu_5",
        "linear_4", "relu_6", "linear_5",
    )  # fmt: skip


def test_every_branch_between_the_ends_is_skipped_and_no_branch_beside_them() -> None:
    assert ask(diamond(), {"relu_1": skip(["add_1"])}).skipped == ("relu_1", "relu_2", "sigmoid_1", "add_1")
    assert ask(diamond(), {"relu_1": skip(["softmax_1"])}).skipped == ("relu_1", "sigmoid_1", "softmax_1")


def test_several_targets_unite() -> None:
    plan = ask(diamond(), {"sigmoid_1": skip(["add_1", "softmax_1"])})
    assert plan.skipped == ("sigmoid_1", "add_1", "softmax_1")


def test_a_single_target_may_be_given_without_a_list() -> None:
    rule = LayerQuantizationSettings(skip_quantization=True, skip_quantization_until="add_1")
    assert ask(diamond(), {"relu_2": rule}).skipped == ("relu_2", "add_1")


def test_until_itself_is_the_layer_alone() -> None:
    assert ask(diamond(), {"relu_1": skip(["relu_1"])}).skipped == ("relu_1",)


def test_each_layer_is_told_the_targets_that_it_reaches() -> None:
    plan = ask(diamond(), {"relu_1": skip(["softmax_1", "add_1"])})
    reached = {name: plan[name].causes[0].of for name in plan.skipped}
    assert reached == {
        "relu_1": ("add_1", "softmax_1"),
        "relu_2": ("add_1",),
        "sigmoid_1": ("add_1", "softmax_1"),
        "add_1": ("add_1",),
        "softmax_1": ("softmax_1",),
    }


def test_the_selected_layer_is_told_apart_from_those_on_the_way() -> None:
    plan = ask(diamond(), {"relu_1": skip(["add_1"])})
    assert plan["relu_1"].causes[0].how is How.SELECTED
    assert plan["relu_2"].causes[0].how is How.UNTIL
    assert {plan[name].causes[0].selector for name in plan.skipped} == {"relu_1"}


def test_ranges_run_through_removed_layers_and_start_and_end_at_them() -> None:
    graph = chain("linear", "dropout", "softmax", "dropout", "linear")
    assert ask(graph, {"linear_1": skip(["linear_2"])}).skipped == ("linear_1", "softmax_1", "linear_2")
    assert ask(graph, {"dropout_1": skip(["dropout_2"])}).skipped == ("softmax_1",)


def test_a_range_begins_at_every_layer_of_a_module() -> None:
    plan = ask(transformer(1), {"blocks.0.attention": skip(["linear_5"])})
    in_range = [d.name for d in plan.decisions if any(c.selector == "blocks.0.attention" for c in d.causes)]
    assert in_range == [
        "linear_1", "linear_2", "linear_3", "attention_1", "linear_4", "add_1", "layer_norm_1", "linear_5"
    ]  # fmt: skip


def test_a_target_that_is_a_module_stands_for_all_its_layers() -> None:
    assert ask(classifier(), {"flatten_1": skip(["classifier.0"])}).skipped == (
        "flatten_1",
        "linear_1",
        "relu_3",
    )


def test_a_target_is_fine_when_one_selected_layer_reaches_one_layer_it_matches() -> None:
    assert ask(classifier(), {"linear_5": skip(["linear_*"])}).skipped == ("linear_5",)
    assert ask(diamond(), {"relu_*": skip(["softmax_1"])}).skipped == (
        "relu_1", "relu_2", "sigmoid_1", "softmax_1"
    )  # fmt: skip


def test_an_upstream_target_is_an_error_that_offers_to_swap_the_ends() -> None:
    with pytest.raises(SettingsError, match=r"(?i)swap") as error:
        ask(classifier(), {"linear_5": skip(["adaptive_avg_pool_1"])})
    assert "adaptive_avg_pool_1" in str(error.value)
    assert "linear_5" in str(error.value)


def test_a_target_in_another_branch_is_an_error_that_says_so() -> None:
    with pytest.raises(SettingsError, match=r"(?i)branch") as error:
        ask(diamond(), {"relu_2": skip(["softmax_1"])})
    assert "softmax_1" in str(error.value)


def test_a_misspelt_target_is_an_error_with_the_nearest_names() -> None:
    with pytest.raises(SettingsError, match="linear_5"):
        ask(classifier(), {"adaptive_avg_pool_1": skip(["liner_5"])})


def test_one_wrong_target_among_right_ones_is_an_error() -> None:
    with pytest.raises(SettingsError, match="conv_1"):
        ask(classifier(), {"linear_1": skip(["linear_5", "conv_1"])})


def test_a_target_in_another_component_is_an_error() -> None:
    g = GraphBuilder()
    g.output(g.layer("relu", g.input("x")))
    g.output(g.layer("sigmoid", g.input("y")))
    with pytest.raises(SettingsError, match="sigmoid_1"):
        ask(g.build(), {"relu_1": skip(["sigmoid_1"])})


def test_a_range_over_layers_that_are_float_anyway_is_still_told() -> None:
    plan = ask(chain("gelu", "softmax"), {"gelu_1": skip(["softmax_1"])})
    assert [str(cause.kind) for cause in plan["gelu_1"].causes] == ["unsupported", "rule"]
    assert findings(plan) == []
