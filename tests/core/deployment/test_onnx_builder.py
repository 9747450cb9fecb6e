"""The builder gives every value a name of its own, and reads sizes off the inputs that have them."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from clika_core.deployment.onnx_builder import OnnxBuilder, element_type
from clika_core.deployment.onnx_runtime import Session
from clika_core.errors import OutputError
from clika_core.ir.graph import Graph
from clika_core.testing import GraphBuilder


def graph() -> Graph:
    g = GraphBuilder("two_sizes")
    g.output(g.layer("relu", g.input("x", ("d0", "d1", 3))))
    return g.build()


def test_names_are_numbered_where_they_are_taken() -> None:
    builder = OnnxBuilder(graph())
    assert [builder.fresh("conv_1") for _ in range(3)] == ["conv_1", "conv_1_2", "conv_1_3"]
    assert builder.fresh("x") == "x_2"
    assert builder.fresh("output_1") == "output_1_2"


def test_scalars_keep_no_axes_and_integers_are_int64() -> None:
    builder = OnnxBuilder(graph())
    names = [builder.constant(value, "c") for value in (np.asarray(0.5, np.float32), [1, 2], 3)]
    builder.op("Relu", ["x"], "y")
    held = {t.name: numpy_helper.to_array(t) for t in builder.model({"output_1": "y"}, {}).graph.initializer}
    assert [held[name].shape for name in names] == [(), (2,), ()]
    assert [held[name].dtype for name in names] == [np.float32, np.int64, np.int64]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2*d1", 10), ("((d1 - 8)//3) + d0", 1), ("Mod(d0 - d1, 4)", 1), ("Max(d0, d1, 3)", 5)],
)
def test_an_expression_of_sizes_is_computed(text: str, expected: int) -> None:
    g = GraphBuilder("expressions")
    g.output(g.layer("size", g.input("x", ("d0", "d1", 3)), shape=(1,), dtype="int64"))
    builder = OnnxBuilder(g.build())
    session = Session(builder.model({"output_1": builder.size(text)}, {}))
    assert session.run([np.zeros((2, 5, 3), np.float32)])[0].tolist() == [expected]


@pytest.mark.parametrize("text", ["d7", "d0/2", "u0 + 1"])
def test_a_size_that_no_input_tells_is_refused(text: str) -> None:
    with pytest.raises(OutputError, match="cannot be computed in the deployed file"):
        OnnxBuilder(graph()).size(text)


def test_a_symbolic_size_is_read_off_its_input_once() -> None:
    builder = OnnxBuilder(graph())
    size = builder.size("d1")
    assert builder.size("d1") == size
    (y,) = builder.op(
        "Reshape",
        ["x", builder.op("Concat", [size, builder.constant([-1], "rest")], "s", {"axis": 0})[0]],
        "y",
    )
    builder.op("Identity", [y], "z")
    model = builder.model({"output_1": "z"}, {"key": "value"})
    assert [node.op_type for node in model.graph.node].count("Shape") == 1
    assert {entry.key: entry.value for entry in model.metadata_props} == {"key": "value"}


def test_a_dtype_without_an_element_type_is_refused() -> None:
    with pytest.raises(OutputError, match="hold no complex64 values"):
        element_type("complex64")
    assert element_type("float32") == onnx.TensorProto.FLOAT


def test_an_attribute_of_none_is_left_out() -> None:
    builder = OnnxBuilder(graph())
    builder.op("LeakyRelu", ["x"], "y", {"alpha": 0.5, "beta": None})
    model = builder.model({"output_1": "y"}, {})
    assert [attribute.name for attribute in model.graph.node[0].attribute] == ["alpha"]
    x = np.array([[[-2.0, 0.0, 2.0]]], np.float32)
    np.testing.assert_array_equal(Session(model).run([x])[0], [[[-1.0, 0.0, 2.0]]])
