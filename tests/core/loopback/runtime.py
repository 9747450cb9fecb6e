"""What onnxruntime makes of a model: its optimized graph, and which operators in it compute on integers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import onnx

from clika_core.deployment import runtime_kernels

_INTEGER_KERNELS = ("QLinear", "QGemm", "QuantizeLinear")
_BORDERS = frozenset({"QuantizeLinear", "DequantizeLinear"})


@dataclass(frozen=True)
class Optimized:
    """Operator types of the optimized graph, each counted, by what their first operand holds."""

    on_integers: Counter[str]
    on_floats: Counter[str]


def optimized(model: onnx.ModelProto) -> Optimized:
    """The graph that onnxruntime runs on this CPU at its highest level, without QuantizeLinear and its inverse."""
    return _sorted_by_operand(runtime_kernels.optimized(model).graph)


def _sorted_by_operand(graph: onnx.GraphProto) -> Optimized:
    is_float = {tensor.name: tensor.data_type == onnx.TensorProto.FLOAT for tensor in graph.initializer}
    for value in graph.input:
        is_float[value.name] = value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    found = Optimized(Counter(), Counter())
    for node in graph.node:
        reads_float = is_float[node.input[0]] and not node.op_type.startswith("QLinear")
        if node.op_type not in _BORDERS:
            (found.on_floats if reads_float else found.on_integers)[node.op_type] += 1
        gives_float = node.op_type in ("DequantizeLinear", "MatMulIntegerToFloat") or (
            reads_float and not node.op_type.startswith(_INTEGER_KERNELS)
        )
        is_float.update(dict.fromkeys(node.output, gives_float))
    return found
