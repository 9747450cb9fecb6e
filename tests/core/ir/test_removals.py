"""Which layers preprocessing takes out, and into what they fold."""

from __future__ import annotations

from clika_core.ir.removals import removals
from clika_core.testing import Built, GraphBuilder

STATISTICS = dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (4,))


def conv(g: GraphBuilder, x: Built) -> Built:
    return g.layer("conv", x, weight=(4, 4, 3, 3))


def norm(g: GraphBuilder, x: Built) -> Built:
    return g.layer("batch_norm", x, weights=STATISTICS)


def start() -> tuple[GraphBuilder, Built]:
    g = GraphBuilder()
    return g, g.input("x", ("d0", 4, 8, 8))


def test_a_batch_norm_folds_into_the_convolution_before_it() -> None:
    g, x = start()
    g.output(norm(g, conv(g, x)))
    assert removals(g.build()) == {"batch_norm_1": "conv_1"}


def test_a_batch_norm_folds_through_a_dropout() -> None:
    g, x = start()
    g.output(norm(g, g.layer("dropout", conv(g, x))))
    assert removals(g.build()) == {"dropout_1": None, "batch_norm_1": "conv_1"}


def test_another_reader_of_the_value_keeps_the_batch_norm() -> None:
    g, x = start()
    h = conv(g, x)
    g.output(g.layer("add", norm(g, h), h))
    assert removals(g.build()) == {}


def test_the_model_itself_is_such_a_reader() -> None:
    g, x = start()
    h = conv(g, x)
    g.output(h)
    g.output(norm(g, h))
    assert removals(g.build()) == {}


def test_a_batch_norm_after_something_else_stays() -> None:
    g, x = start()
    g.output(norm(g, g.layer("relu", norm(g, x))))
    assert removals(g.build()) == {}


def test_a_convolution_without_a_parametric_weight_absorbs_nothing() -> None:
    g, x = start()
    g.output(norm(g, g.layer("conv", x, x)))
    assert removals(g.build()) == {}


def test_a_batch_norm_folds_through_one_that_folded() -> None:
    g, x = start()
    g.output(norm(g, g.layer("dropout", norm(g, conv(g, x)))))
    assert removals(g.build()) == {"batch_norm_1": "conv_1", "dropout_1": None, "batch_norm_2": "conv_1"}


def test_a_batch_norm_along_another_axis_than_the_channels_of_a_linear_layer_stays() -> None:
    g = GraphBuilder()
    h = g.layer("linear", g.input("x", ("d0", 4, 4)), weight=(4, 4))
    g.output(g.layer("batch_norm", h, weights=STATISTICS, axis=1))
    h = g.layer("linear", h, weight=(4, 4))
    g.output(g.layer("batch_norm", h, weights=STATISTICS, axis=2))
    assert removals(g.build()) == {"batch_norm_2": "linear_2"}
