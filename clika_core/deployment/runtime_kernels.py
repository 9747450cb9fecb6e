"""Which layers onnxruntime computes on integers, read off the graph that it really runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
import onnxruntime

from clika_core.deployment.shipped import Shipped

_FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)
_INTEGER = (
    "QLinear",
    "QGemm",
    "MatMulInteger",
    "ConvInteger",
    "DynamicQuantize",
    "MatMulNBits",
    "QAttention",
)
_GIVE_FLOATS = ("DequantizeLinear", "MatMulIntegerToFloat", "DynamicQuantizeMatMul", "MatMulNBits")
_GIVE_CODES = ("QuantizeLinear", "QLinear", "QGemm", "MatMulInteger", "ConvInteger")


def optimized(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph that onnxruntime runs on this CPU at its highest level."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "optimized.onnx"
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.optimized_model_filepath = str(path)
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return onnx.load_model(str(path))


def kernels(model: onnx.ModelProto, layers: Collection[str]) -> Mapping[str, Mapping[str, bool]]:
    """Per layer the operators that it became in the optimized `model`, and whether each computes on integers.

    A layer that was fused into another is not there, nor are the operators that compute sizes.
    """
    graph = model.graph
    is_float, sizes = _value_kinds(graph), _sizes(graph)
    shipped = Shipped(graph, layers)
    return {
        layer: {
            node.op_type: _is_integer(node, is_float)
            for node in shipped.nodes_of(layer)
            if not sizes.issuperset(node.output)
        }
        for layer in layers
        if shipped.nodes_of(layer)
    }


def _is_integer(node: onnx.NodeProto, is_float: Mapping[str, bool]) -> bool:
    if node.op_type.startswith(_INTEGER):
        return True
    return not any(is_float.get(name, False) for name in node.input if name)


def _value_kinds(graph: onnx.GraphProto) -> dict[str, bool]:
    """Whether each value is floating point: optimized graphs do not say, so it is followed from the inputs."""
    found = {tensor.name: tensor.data_type in _FLOATS for tensor in graph.initializer}
    found |= {value.name: value.type.tensor_type.elem_type in _FLOATS for value in graph.input}
    for node in graph.node:
        if node.op_type.startswith(_GIVE_FLOATS):
            gives_float = True
        elif node.op_type.startswith(_GIVE_CODES) or node.op_type in ("Shape", "Size", "ArgMax", "ArgMin"):
            gives_float = _is_float_gemm(node)
        else:
            gives_float = found.get(node.input[0], False) if node.input else False
        found.update(dict.fromkeys(node.output, gives_float))
    return found


def _sizes(graph: onnx.GraphProto) -> set[str]:
    """The values that are computed from shapes and from constants of int64 alone."""
    found = {tensor.name for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.INT64}
    for node in graph.node:
        if node.op_type in ("Shape", "Size") or (node.input and found.issuperset(filter(None, node.input))):
            found.update(node.output)
    return found


def _is_float_gemm(node: onnx.NodeProto) -> bool:
    """A QGemm without an output scale gives floats."""
    return node.op_type == "QGemm" and len([name for name in node.input if name]) < 8
