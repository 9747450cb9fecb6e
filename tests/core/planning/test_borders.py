"""Borders: one per value that changes between float and the integer grid, named after it."""

from __future__ import annotations

from clika_core.planning.decision import BorderKind
from clika_core.testing import GraphBuilder
from clika_core.testing.strategies import LAB
from tests.core.planning.asking import ask, skip
from tests.core.planning.networks import chain


def names(*borders: str) -> list[str]:
    """Names of borders in alphabetical order."""
    return sorted(borders)


def test_inputs_and_outputs_carry_floats() -> None:
    plan = ask(chain("softmax", "sigmoid"))
    assert [border.name for border in plan.borders] == ["x_quantized", "sigmoid_1_dequantized"]


def test_a_float_layer_between_quantized_ones_has_a_border_on_each_side() -> None:
    plan = ask(chain("softmax", "relu", "sigmoid"), {"relu_1": skip()})
    assert [border.name for border in plan.borders] == [
        "x_quantized", "softmax_1_dequantized", "relu_1_quantized", "sigmoid_1_dequantized"
    ]  # fmt: skip


def test_consumers_share_the_border_of_a_value() -> None:
    g = GraphBuilder()
    x = g.input("x")
    for type_name in ("softmax", "sigmoid", "relu"):
        g.output(g.layer(type_name, x))
    plan = ask(g.build(), {"relu_1": skip()})
    border = plan.borders[0]
    assert (border.name, border.kind, border.consumers) == (
        "x_quantized",
        BorderKind.QUANTIZE,
        ("softmax_1", "sigmoid_1"),
    )


def test_a_value_read_by_quantized_and_float_layers_crosses_for_the_float_ones() -> None:
    g = GraphBuilder()
    h = g.layer("softmax", g.input("x"))
    g.output(g.layer("relu", h))
    g.output(g.layer("sigmoid", h))
    g.output(h)
    plan = ask(g.build(), {"relu_1": skip()})
    crossing = next(border for border in plan.borders if border.producer == "softmax_1")
    assert crossing.name == "softmax_1_dequantized"
    assert crossing.consumers == ("relu_1", "output_3")


def test_the_name_tells_the_port_where_it_is_not_the_first() -> None:
    g = GraphBuilder()
    first, second = g.layer("split", g.layer("softmax", g.input("x")), outputs=2).ports
    g.output(g.layer("relu", first))
    g.output(g.layer("relu", second))
    plan = ask(g.build(), {"relu_1": skip(), "relu_2": skip()})
    assert names(*(border.name for border in plan.borders)) == names(
        "x_quantized", "split_1_dequantized", "split_1.1_dequantized"
    )
    plan = ask(g.build(), {"split_1": skip()})
    assert names(*(border.name for border in plan.borders)) == names(
        "x_quantized", "softmax_1_dequantized", "split_1_quantized", "split_1.1_quantized",
        "relu_1_dequantized", "relu_2_dequantized",
    )  # fmt: skip


def test_both_operands_of_a_square_share_one_border() -> None:
    g = GraphBuilder()
    x = g.input("x")
    g.output(g.layer("mul", x, x))
    border = ask(g.build()).borders[0]
    assert (border.name, border.consumers) == ("x_quantized", ("mul_1",))


def test_integers_and_booleans_cross_no_border() -> None:
    g = GraphBuilder()
    h = g.layer("embedding", g.input("ids", ("d0", 4), "int64"), weight=(10, 8))
    positive = g.layer("gt", h, h)
    g.output(g.layer("where", positive, h, h))
    g.output(positive)
    plan = ask(g.build(), target=LAB)
    assert names(*(border.name for border in plan.borders)) == names(
        "embedding_1_dequantized", "where_1_dequantized"
    )


def test_borders_are_looked_for_behind_removed_layers() -> None:
    plan = ask(chain("dropout", "conv", "batch_norm", "dropout", "softmax", "dropout"), {"softmax_1": skip()})
    assert [(border.name, border.consumers) for border in plan.borders] == [
        ("x_quantized", ("conv_1",)),
        ("conv_1_dequantized", ("softmax_1",)),
    ]


def test_an_input_that_nobody_reads_quantized_has_no_border() -> None:
    assert ask(chain("softmax"), {"softmax_1": skip()}).borders == ()


def test_a_moved_value_is_not_quantized_for_nothing() -> None:
    plan = ask(chain("reshape", "permute", "softmax", "reshape"), {"softmax_1": skip()})
    assert plan.borders == ()


def test_an_output_that_is_an_input_has_no_border() -> None:
    g = GraphBuilder()
    x = g.input("x")
    g.output(x)
    g.output(g.layer("softmax", x))
    plan = ask(g.build())
    assert [(border.name, border.consumers) for border in plan.borders] == [
        ("x_quantized", ("softmax_1",)),
        ("softmax_1_dequantized", ("output_2",)),
    ]
