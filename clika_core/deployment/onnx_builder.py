"""A thin builder over `onnx.helper`: nodes and initializers by fresh names, one graph at the end."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from clika_core.errors import GraphError, OutputError
from clika_core.ir.graph import Graph, Node, Shape, Value
from clika_core.ir.size_expressions import (
    DIFFERENCE,
    LARGEST_OF,
    PRODUCT,
    QUOTIENT,
    REMAINDER,
    SMALLEST_OF,
    SUM,
    SizeExpression,
    size_expression,
)

OPSET = 21
IR_VERSION = 10

_DTYPES = {
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "float16": TensorProto.FLOAT16,
    "bfloat16": TensorProto.BFLOAT16,
    "int64": TensorProto.INT64,
    "int32": TensorProto.INT32,
    "int16": TensorProto.INT16,
    "int8": TensorProto.INT8,
    "uint8": TensorProto.UINT8,
    "bool": TensorProto.BOOL,
}

_ON_SIZES = {
    SUM: "Add",
    DIFFERENCE: "Sub",
    PRODUCT: "Mul",
    REMAINDER: "Mod",
    LARGEST_OF: "Max",
    SMALLEST_OF: "Min",
}


def element_type(dtype: str) -> int:
    """The ONNX element type of one of our dtypes. Raises OutputError where ONNX has none."""
    if dtype not in _DTYPES:
        raise OutputError(f"ONNX files of this project hold no {dtype} values", expected=", ".join(_DTYPES))
    return int(_DTYPES[dtype])


class OnnxBuilder:
    """Collects nodes and initializers. Names of values are plain strings, fresh ones derived from a stem."""

    def __init__(self, graph: Graph) -> None:
        """`graph` gives the model's inputs, outputs and the meaning of symbolic sizes."""
        self.graph = graph
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: list[onnx.TensorProto] = []
        self._counts: dict[str, int] = {}
        self._taken: set[str] = {node.name for node in (*graph.inputs, *graph.outputs)}
        self._sizes: dict[str, str] = {}
        self._values: dict[str, Value] = {}

    def fresh(self, stem: str) -> str:
        """A value name that nothing else has: `stem`, else `stem_2`, `stem_3`, ..."""
        while True:
            count = self._counts[stem] = self._counts.get(stem, 0) + 1
            name = stem if count == 1 else f"{stem}_{count}"
            if name not in self._taken:
                self._taken.add(name)
                return name

    def constant(self, array: NDArray[Any] | float | int | Sequence[int], stem: str) -> str:
        """An initializer; scalars stay of rank 0, Python integers become int64."""
        name = self.fresh(stem)
        self._initializers.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def op(
        self,
        type_: str,
        inputs: Sequence[str],
        stem: str,
        attributes: Mapping[str, Any] | None = None,
        outputs: int = 1,
    ) -> list[str]:
        """One node; its name is that of its first output. Attributes that are None are left out."""
        names = [self.fresh(stem if port == 0 else f"{stem}.{port}") for port in range(outputs)]
        given = {key: value for key, value in (attributes or {}).items() if value is not None}
        self._nodes.append(helper.make_node(type_, list(inputs), names, name=names[0], **given))
        return names

    def repeated(self, name: str, **attributes: Any) -> str:
        """What the node that gives `name` gives, by another node of the same inputs.

        `attributes` say what holds anyway: of two nodes that differ in nothing the runtime would make one.
        """
        node = next(node for node in reversed(self._nodes) if name in node.output)
        own = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        return self.op(node.op_type, node.input, name, {**own, **attributes})[0]

    def describe(self, name: str, value: Value) -> None:
        """Say what a name holds: for operators whose result ONNX does not infer, and to check all others."""
        self._values[name] = value

    def remove_unread(self, names: Iterable[str], outputs: Collection[str]) -> None:
        """Take out the nodes that give one of `names` alone, where no node and no output of the model reads it."""
        read = {name for node in self._nodes for name in node.input} | set(outputs)
        unread = set(names) - read
        self._nodes = [node for node in self._nodes if not unread.issuperset(node.output)]
        for name in unread:
            self._values.pop(name, None)

    def size(self, symbol: str) -> str:
        """The value of a symbolic size as an int64 tensor of shape [1]: read off the input that has it, or computed.

        Raises OutputError where the sizes of the inputs do not say it.
        """
        if symbol not in self._sizes:
            self._sizes[symbol] = self._read_size(symbol) or self._computed(symbol)
        return self._sizes[symbol]

    def _read_size(self, symbol: str) -> str | None:
        for node in self.graph.inputs:
            for axis, size in enumerate(node.outputs[0].shape):
                if size == symbol:
                    attributes = {"start": axis, "end": axis + 1}
                    return self.op("Shape", [node.name], f"{node.name}_size_{axis}", attributes)[0]
        return None

    def _computed(self, symbol: str) -> str:
        """A size that an expression says, by integer operations."""
        try:
            expression = size_expression(symbol)
        except GraphError as error:
            raise _no_size(symbol, error.found) from error
        if isinstance(expression, str):
            raise _no_size(symbol, None)
        return self._sized(expression)

    def _sized(self, expression: SizeExpression) -> str:
        if isinstance(expression, int):
            return self.constant([expression], "size")
        if isinstance(expression, str):
            return self.size(expression)
        left, right = self._sized(expression.left), self._sized(expression.right)
        if expression.operation != QUOTIENT:
            return self.op(_ON_SIZES[expression.operation], [left, right], "size")[0]
        over = self.op("Mod", [left, right], "size")[0]  # Div rounds towards zero
        return self.op("Div", [self.op("Sub", [left, over], "size")[0], right], "size")[0]

    def model(self, outputs: Mapping[str, str], metadata: Mapping[str, str]) -> onnx.ModelProto:
        """The finished model; `outputs` map each graph output's name to the value it carries."""
        for name, value in outputs.items():
            self._nodes.append(helper.make_node("Identity", [value], [name], name=name))
        values = {node.name: self._output_value(node) for node in self.graph.outputs}
        graph = helper.make_graph(
            self._nodes,
            self.graph.name,
            [_value_info(node.name, node.outputs[0]) for node in self.graph.inputs],
            [_value_info(name, value) for name, value in values.items()],
            self._initializers,
            value_info=[_value_info(name, value) for name, value in self._values.items()],
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="clika-core",
        )
        helper.set_model_props(model, dict(metadata))
        return model

    def _output_value(self, node: Node) -> Value:
        return self.graph.value(node.inputs[0].key)


def _no_size(symbol: str, found: str | None) -> OutputError:
    return OutputError(
        f"the size {symbol!r} cannot be computed in the deployed file",
        found=found,
        expected="sizes that follow from those of the inputs by integer arithmetic, or fixed ones",
        fix="trace with fixed sizes",
    )


def _value_info(name: str, value: Value) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, element_type(value.dtype), _dimensions(value.shape))


def _dimensions(shape: Shape) -> list[int | str]:
    return list(shape)
