"""`GraphBuilder` fills in what a trace would most likely say."""

from __future__ import annotations

from typing import Any

import pytest

from clika_core.errors import GraphError
from clika_core.ir.graph import InputPort, Shape, Value, Weight
from clika_core.testing import GraphBuilder


def test_the_example_of_its_documentation_builds() -> None:
    g = GraphBuilder()
    x = g.input("x", ("d0", 3, 8, 8))
    h = g.layer("conv", x, weight=(16, 3, 3, 3), bias=(16,))
    a, b = g.layer("split", g.layer("relu", h), outputs=2).ports
    g.output(g.layer("add", a, b))
    graph = g.build()
    assert [node.name for node in graph] == ["x", "conv_1", "relu_1", "split_1", "add_1", "output_1"]
    assert graph["add_1"].inputs == (InputPort("split_1", 0, "input"), InputPort("split_1", 1, "other"))
    assert graph["conv_1"].outputs == (Value("float32", ("d0", 16, 8, 8), (2, 16, 8, 8)),)


def test_roles_are_those_that_no_weight_fills() -> None:
    g = GraphBuilder()
    x = g.input("x", ("d0", 8))
    g.layer("matmul", x, weights={"other": (8, 4)})
    g.layer("matmul", x, weights={"input": (4, 8)})
    g.layer("concat", x, x, x)
    g.layer("attention", x, x, x)
    g.layer("novel", x, x, x)
    graph = g.build()
    roles = [[port.role for port in node.inputs] for node in graph.layers]
    assert roles == [
        ["input"],
        ["other"],
        ["inputs.0", "inputs.1", "inputs.2"],
        ["query", "key", "value"],
        ["input", "other", "operand_2"],
    ]


def test_weights_have_identities_of_their_own_unless_tied() -> None:
    g = GraphBuilder()
    x = g.input("x", ("d0", 8))
    tied = Weight("weight", (8, 8), "float16", "embed")
    for weight in ((8, 8), (8, 8), tied, tied):
        g.layer("linear", x, weight=weight)
    identities = [node.weights[0].identity for node in g.build().layers]
    assert identities == ["linear_1.weight", "linear_2.weight", "embed", "embed"]


@pytest.mark.parametrize(
    ("type_name", "shape", "keywords", "expected"),
    [
        ("relu", ("d0", 4), {}, ("d0", 4)),
        ("linear", ("d0", 5, 8), {"weight": (3, 8)}, ("d0", 5, 3)),
        ("matmul", ("d0", 5, 8), {"weights": {"other": (8, 2)}}, ("d0", 5, 2)),
        ("embedding", ("d0", 5), {"weight": (10, 8)}, ("d0", 5, 8)),
        ("flatten", ("d0", 4, 2, 2), {}, ("d0", 16)),
        ("permute", ("d0", 4, 2), {"axes": (0, 2, 1)}, ("d0", 2, 4)),
        ("mean", ("d0", 4, 2), {"axes": (1, 2)}, ("d0",)),
        ("mean", ("d0", 4, 2), {"axes": (-1,), "keep_dims": True}, ("d0", 4, 1)),
        ("relu", ("d0", 4), {"shape": ("d0", 9)}, ("d0", 9)),
    ],
)
def test_shapes_are_inferred(type_name: str, shape: Shape, keywords: dict[str, Any], expected: Shape) -> None:
    g = GraphBuilder()
    g.layer(type_name, g.input("x", shape), **keywords)
    assert g.build()[f"{type_name}_1"].outputs[0].shape == expected


def test_operands_broadcast() -> None:
    g = GraphBuilder()
    g.layer("add", g.input("x", ("d0", 1, 8)), g.input("y", (5, 1)))
    assert g.build()["add_1"].outputs[0].shape == ("d0", 5, 8)


@pytest.mark.parametrize(
    ("type_name", "dtype", "expected"),
    [("relu", "float16", "float16"), ("eq", "float32", "bool"), ("argmax", "float32", "int64"),
     ("add", "int32", "int32"), ("embedding", "int64", "float32")],
)  # fmt: skip
def test_dtypes_are_inferred(type_name: str, dtype: str, expected: str) -> None:
    g = GraphBuilder()
    g.layer(type_name, g.input("x", ("d0",), dtype))
    assert g.build()[f"{type_name}_1"].outputs[0].dtype == expected


def test_outputs_may_differ_in_shape_and_dtype() -> None:
    g = GraphBuilder()
    g.layer("top_k", g.input("x"), outputs=2, dtypes=("float32", "int64"), shapes=(("d0", 3), ("d0", 2)))
    values = g.build()["top_k_1"].outputs
    assert [(value.dtype, value.shape) for value in values] == [("float32", ("d0", 3)), ("int64", ("d0", 2))]


def test_example_sizes_of_symbols_can_be_chosen() -> None:
    g = GraphBuilder(sizes={"d0": 7})
    g.input("x", ("d0", "d1"))
    assert g.build()["x"].outputs[0].example_shape == (7, 2)


def test_a_name_given_twice_is_refused() -> None:
    g = GraphBuilder()
    x = g.input("x")
    g.layer("relu", x, name="act")
    with pytest.raises(GraphError, match="already has a node 'act'"):
        g.layer("relu", x, name="act")


def test_inputs_and_outputs_are_numbered_where_no_name_is_given() -> None:
    g = GraphBuilder()
    g.output(g.input(), path="logits")
    g.output(g.input(), name="second")
    graph = g.build()
    assert [node.name for node in graph] == ["input_1", "output_1", "input_2", "second"]
    assert graph["output_1"].aliases == ("logits",)
