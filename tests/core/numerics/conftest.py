"""Runs one QuantizeLinear and one DequantizeLinear in implementations that nobody here wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from clika_core.numerics import QuantParams
from clika_core.schemes import FloatFormat, PerTensor
from clika_core.schemes.named import FP8_E4M3


class Round(NamedTuple):
    """What a runtime made of the values: codes as floats, and the reals they stand for."""

    codes: NDArray[np.float32]
    reals: NDArray[np.float32]


Runtime: TypeAlias = Callable[[NDArray[np.float32], QuantParams], Round]


def onnx_type(params: QuantParams) -> int:
    """The ONNX element type of the codes."""
    onnx = pytest.importorskip("onnx")
    format = params.format
    if isinstance(format, FloatFormat):
        name = "FLOAT8E4M3FN" if format == FP8_E4M3 else "FLOAT8E5M2"
    else:
        name = f"{'INT' if format.is_signed else 'UINT'}{format.num_bits}"
    return int(getattr(onnx.TensorProto, name))


def quantize_model(params: QuantParams, rank: int) -> Any:
    """x -> QuantizeLinear -> (Cast to float, DequantizeLinear); int2 exists from opset 25 on."""
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx_type(params)
    axis = {} if isinstance(params.granularity, PerTensor) else {"axis": params.granularity.axis}
    block = {"block_size": size} if (size := getattr(params.granularity, "size", 0)) else {}
    can_cast = params.format.num_bits != 2
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale", "zero_point"], ["q"], **axis, **block),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero_point"], ["reals"], **axis, **block),
        helper.make_node(*(("Cast", ["q"]) if can_cast else ("Identity", ["reals"])), ["codes"]),
    ]
    if can_cast:
        nodes[-1].attribute.append(helper.make_attribute("to", onnx.TensorProto.FLOAT))
    shape = list(params.scale.shape)
    float_type = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "quantize",
        [helper.make_tensor_value_info("x", float_type, [None] * rank)],
        [helper.make_tensor_value_info(name, float_type, [None] * rank) for name in ("codes", "reals")],
        [
            helper.make_tensor("scale", float_type, shape, params.scale.ravel()),
            helper.make_tensor("zero_point", kind, shape, params.zero_point.ravel()),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 25)])
    model.ir_version = 12
    return model


def as_round(codes: NDArray[Any], reals: NDArray[Any], params: QuantParams) -> Round:
    if params.format.num_bits == 2:  # no Cast for int2: the codes are what the reals say
        codes = reals / params.scale + params.zero_point
    return Round(np.asarray(codes, np.float32), np.asarray(reals, np.float32))


@pytest.fixture
def onnxruntime() -> Runtime:
    """onnxruntime on the CPU, without graph optimizations."""
    ort = pytest.importorskip("onnxruntime")
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1

    def run(values: NDArray[np.float32], params: QuantParams) -> Round:
        model = quantize_model(params, values.ndim).SerializeToString()
        session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        codes, reals = session.run(["codes", "reals"], {"x": values})
        return as_round(codes, reals, params)

    return run


@pytest.fixture
def onnx_reference() -> Runtime:
    """The reference evaluator of the onnx package, in NumPy."""
    evaluator = pytest.importorskip("onnx.reference").ReferenceEvaluator

    def run(values: NDArray[np.float32], params: QuantParams) -> Round:
        codes, reals = evaluator(quantize_model(params, values.ndim)).run(None, {"x": values})
        return as_round(codes, reals, params)

    return run
