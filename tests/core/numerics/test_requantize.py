"""From integer sums to output codes, against onnxruntime's integer convolution and matrix product."""

from __future__ import annotations

import numpy as np
import pytest

from clika_core.numerics import QuantParams, requantize, requantize_multiplier
from clika_core.schemes import PerChannel, PerTensor
from clika_core.schemes.named import INT8, INT8_NARROW, UINT8

INPUT = QuantParams(np.float32(0.0235), np.int32(3), UINT8, PerTensor())
WEIGHT = QuantParams(np.float32([0.1, 0.003, 0.02]), np.int32(0), INT8_NARROW, PerChannel(0))
OUTPUT = QuantParams(np.float32(0.37), np.int32(100), UINT8, PerTensor())


def test_the_multiplier_is_two_float32_steps() -> None:
    product = np.float32(0.0235) * np.float32([0.1, 0.003, 0.02])
    assert np.array_equal(requantize_multiplier(INPUT, WEIGHT, OUTPUT), product / np.float32(0.37))


def test_codes_round_half_to_even_then_clip() -> None:
    sums = np.int32([1, 3, 5, -1, -1000, 2**31 - 1])
    codes = requantize(sums, np.float32(0.5), OUTPUT)
    assert codes.tolist() == [100, 102, 102, 100, 0, 255]
    assert codes.dtype == np.uint8


def test_a_vector_multiplier_runs_along_its_axis() -> None:
    sums = np.full((2, 3, 4), 100, np.int32)
    output = QuantParams(np.float32(1), np.int32(0), INT8, PerTensor())
    multiplier = np.float32([0.1, 0.5, 1.0])
    codes = requantize(sums, multiplier, output, axis=1)
    assert codes[0, :, 0].tolist() == [10, 50, 100]
    assert np.array_equal(codes.swapaxes(1, 2), requantize(sums.swapaxes(1, 2), multiplier, output, axis=-1))


def test_onnxruntime_s_integer_linear_gives_the_same_codes() -> None:
    onnx, ort = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (50_000, 32), dtype=np.uint8)
    weight = rng.integers(-127, 128, (32, 8), dtype=np.int8)
    scales = QuantParams(rng.uniform(1e-4, 1e-2, 8), np.int32(0), INT8_NARROW, PerChannel(1))
    helper, kinds = onnx.helper, onnx.TensorProto
    tensors = [
        helper.make_tensor("x_scale", kinds.FLOAT, [], [INPUT.scale]),
        helper.make_tensor("x_zero", kinds.UINT8, [], [INPUT.zero_point]),
        helper.make_tensor("w", kinds.INT8, weight.shape, weight.ravel()),
        helper.make_tensor("w_scale", kinds.FLOAT, [8], scales.scale),
        helper.make_tensor("w_zero", kinds.INT8, [8], [0] * 8),
        helper.make_tensor("y_scale", kinds.FLOAT, [], [OUTPUT.scale]),
        helper.make_tensor("y_zero", kinds.UINT8, [], [OUTPUT.zero_point]),
    ]
    graph = helper.make_graph(
        [helper.make_node("QLinearMatMul", ["x", *(t.name for t in tensors)], ["y"])],
        "linear",
        [helper.make_tensor_value_info("x", kinds.UINT8, list(x.shape))],
        [helper.make_tensor_value_info("y", kinds.UINT8, [len(x), 8])],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    theirs = session.run(None, {"x": x})[0]
    sums = (x.astype(np.int32) - INPUT.zero_point) @ weight.astype(np.int32)
    ours = requantize(sums, requantize_multiplier(INPUT, scales, OUTPUT), OUTPUT, axis=1)
    assert len(np.unique(ours)) >= 100
    assert np.array_equal(ours, theirs)
