"""What a box says of a node, from the graph alone."""

from __future__ import annotations

import pytest

from clika_core.ir.graph import AttributeValue, Graph, Node, NodeKind
from clika_core.pictures.facts import attribute_lines, endpoint_lines, kind_line, shape_lines, weight_lines
from clika_core.pictures.fitting import LINE_CHARACTERS
from clika_core.testing.builder import GraphBuilder


@pytest.mark.parametrize(
    ("attributes", "lines"),
    [
        ({"kernel_size": (3, 3), "strides": (2, 1)}, ["kernel_size 3×3, strides 2×1"]),
        ({"dilations": (1, 1), "groups": 1, "ceil_mode": False, "output_padding": (0, 0)}, []),
        ({"dilations": (2, 2), "groups": 64, "ceil_mode": True}, ["dilations 2×2, groups 64, ceil_mode yes"]),
        ({"padding": ((1, 1), (2, 2))}, ["padding 1×2"]),
        ({"padding": ((0, 1), (0, 1))}, ["padding (0, 1)×(0, 1)"]),
        ({"padding": "same", "output_size": (None, 7)}, ["padding same, output_size none×7"]),
        ({"axes": (0, 2, 1), "value": None}, ["axes [0, 2, 1], value none"]),
        ({"epsilon": 1e-05, "alpha": float("inf")}, ["epsilon 1e-05, alpha inf"]),
        ({"equation": "bij,bjk->bik"}, ["equation bij,bjk->bik"]),
        ({"sizes": ((1, 2), ())}, ["sizes [[1, 2], []]"]),
    ],
)
def test_attributes_are_written_as_a_reader_would(
    attributes: dict[str, AttributeValue], lines: list[str]
) -> None:
    assert attribute_lines(Node("conv_1", "conv", NodeKind.LAYER, attributes=attributes)) == lines


def test_a_path_is_written_behind_the_type() -> None:
    node = Node("conv_1", "conv", NodeKind.LAYER, path="features.0.conv")
    assert kind_line(node) == "conv · features.0.conv"


def test_a_long_path_keeps_its_end() -> None:
    path = ".".join(f"block{number}" for number in range(20)) + ".conv"
    line = kind_line(Node("conv_1", "conv", NodeKind.LAYER, path=path))
    assert len(line) == LINE_CHARACTERS
    assert line.startswith("conv · …")
    assert line.endswith(".block19.conv")


def shapes_of(graph: Graph) -> list[str]:
    return shape_lines(graph, graph.layers[-1])


def test_shapes_in_and_out_share_a_line() -> None:
    g = GraphBuilder()
    g.layer("relu", g.input("x", ("d0", 8)))
    assert shapes_of(g.build()) == ["[d0, 8] → [d0, 8]"]


def test_operands_of_equal_shape_are_counted() -> None:
    g = GraphBuilder()
    x = g.input("x", ("d0", 8))
    g.layer("add", x, x)
    assert shapes_of(g.build()) == ["2 × [d0, 8] → [d0, 8]"]


def test_operands_that_could_be_confused_are_named_one_a_line() -> None:
    g = GraphBuilder()
    q, k, v = (g.input(name, ("d0", 12, 64, 64)) for name in "qkv")
    g.layer("attention", q, k, v, shape=("d0", 12, 64, 64))
    assert shapes_of(g.build()) == [
        "in query [d0, 12, 64, 64]",
        "in key [d0, 12, 64, 64]",
        "in value [d0, 12, 64, 64]",
        "out [d0, 12, 64, 64]",
    ]


def test_a_wide_concat_counts_the_operands_it_cannot_show() -> None:
    g = GraphBuilder()
    g.layer("concat", *(g.input(shape=("d0", 16 + number, 56, 56)) for number in range(30)), axis=1)
    lines = shapes_of(g.build())
    assert lines[5] == "in … 25 more"
    assert len(lines) == 7


def test_another_dtype_stands_before_the_shape() -> None:
    g = GraphBuilder()
    g.layer("embedding", g.input("ids", ("d0", "d1"), "int64"), weight=(100, 8), shape=("d0", "d1", 8))
    assert shapes_of(g.build()) == ["int64 [d0, d1] → [d0, d1, 8]"]


def test_inputs_and_outputs_always_say_their_dtype_and_the_traced_sizes() -> None:
    g = GraphBuilder(sizes={"d0": 4})
    x = g.input("x", ("d0", 8))
    g.output(x)
    g.input("fixed", (3,))
    graph = g.build()
    assert endpoint_lines(graph, graph["x"]) == ["float32 [d0, 8]", "traced with [4, 8]"]
    assert endpoint_lines(graph, graph["output_1"]) == ["float32 [d0, 8]", "traced with [4, 8]"]
    assert endpoint_lines(graph, graph["fixed"]) == ["float32 [3]"]


def test_weights_are_listed_with_their_shapes() -> None:
    g = GraphBuilder()
    g.layer("linear", g.input(), weight=(10, 8), bias=(10,))
    assert weight_lines(g.build().layers[0]) == ["weight [10, 8], bias [10]"]
