"""Groups: a head and the layers fused behind it. The head decides."""

from __future__ import annotations

from clika_core.planning.decision import Precision
from clika_core.testing import GraphBuilder
from clika_core.testing.strategies import LAB
from tests.core.planning.asking import ask, keep, kinds, skip
from tests.core.planning.networks import chain


def test_a_clamp_behind_a_convolution_is_one_kernel_with_it() -> None:
    plan = ask(chain("conv", "batch_norm", "relu", "softmax"))
    assert [plan[name].group for name in ("conv_1", "batch_norm_1", "relu_1")] == ["conv_1"] * 3
    assert plan["softmax_1"].group != "conv_1"
    assert plan.groups["conv_1"].end == "relu_1"


def test_a_dropout_between_members_belongs_to_no_group() -> None:
    plan = ask(chain("linear", "dropout", "relu"))
    assert plan["relu_1"].group == "linear_1"
    assert plan["dropout_1"].group is None


def test_every_batch_norm_in_a_row_folds_into_the_convolution() -> None:
    """Folding the first leaves the second right behind the convolution."""
    plan = ask(chain("conv", "batch_norm", "batch_norm", "relu"))
    assert plan.removed == {"batch_norm_1": "conv_1", "batch_norm_2": "conv_1"}
    assert plan["relu_1"].group == "conv_1"


def test_several_followers_make_one_group() -> None:
    plan = ask(chain("conv", "relu", "relu6"), target=LAB)
    assert plan.groups["conv_1"].members == ("conv_1", "relu_1", "relu6_1")


def test_a_follower_that_is_not_the_only_consumer_stands_alone() -> None:
    g = GraphBuilder()
    h = g.layer("conv", g.input("x", ("d0", 3, 8, 8)), weight=(8, 3, 1, 1))
    g.output(g.layer("add", g.layer("relu", h), h))
    plan = ask(g.build())
    assert plan["relu_1"].group != "conv_1"


def test_a_value_that_is_also_an_output_ends_the_group() -> None:
    g = GraphBuilder()
    h = g.layer("conv", g.input("x", ("d0", 3, 8, 8)), weight=(8, 3, 1, 1))
    g.output(g.layer("relu", h))
    g.output(h)
    assert ask(g.build())["relu_1"].group != "conv_1"


def test_the_head_decides_for_its_group() -> None:
    plan = ask(chain("softmax", "conv", "relu", "softmax"), {"conv_1": skip()})
    assert plan.skipped == ("conv_1", "relu_1")
    assert kinds(plan["relu_1"]) == ["inherited"]
    assert plan["relu_1"].causes[0].of == ("conv_1",)


def test_a_follower_cannot_be_kept_when_its_head_is_float() -> None:
    plan = ask(chain("conv", "relu", "softmax"), {"conv_1": skip(), "relu_1": keep()})
    assert plan["relu_1"].precision is Precision.FLOAT


def test_a_float_follower_ends_the_group_before_it_and_leaves_the_head_quantized() -> None:
    plan = ask(chain("conv", "relu", "softmax"), {"relu_1": skip()})
    assert plan.skipped == ("relu_1",)
    assert plan.groups["conv_1"].members == ("conv_1",)
    assert [border.name for border in plan.borders] == [
        "x_quantized", "conv_1_dequantized", "relu_1_quantized", "softmax_1_dequantized"
    ]  # fmt: skip


def test_skipping_one_more_layer_never_quantizes_another() -> None:
    """The group of a float head is float to its end, also behind a follower that a rule skips too."""
    graph = chain("conv", "relu", "relu6", "softmax")
    assert ask(graph, {"conv_1": skip()}).skipped == ("conv_1", "relu_1", "relu6_1")
    assert ask(graph, {"conv_1": skip(), "relu_1": skip()}).skipped == ("conv_1", "relu_1", "relu6_1")


def test_no_border_stands_inside_a_group() -> None:
    plan = ask(chain("conv", "relu", "softmax"))
    assert [border.name for border in plan.borders] == ["x_quantized", "softmax_1_dequantized"]


def test_a_sum_heads_a_group_too() -> None:
    g = GraphBuilder()
    x = g.layer("sigmoid", g.input("x"))
    g.output(g.layer("relu", g.layer("add", x, x)))
    assert ask(g.build())["relu_1"].group == "add_1"
