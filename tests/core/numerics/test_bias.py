"""Biases: scale given by the layer's sums, and weights that make room for them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clika_core.errors import NumericsError
from clika_core.numerics import (
    MIN_SCALE,
    QuantParams,
    bias_params,
    dequantize,
    quantize_bias,
    raise_weight_scale_for_bias,
)
from clika_core.numerics.bias import BIAS_LIMIT
from clika_core.schemes import PerChannel, PerGroup, PerTensor
from clika_core.schemes.named import INT8_NARROW, INT32, UINT8

INPUT = QuantParams(np.float32(0.0235), np.int32(3), UINT8, PerTensor())
WEIGHT = QuantParams(np.float32([0.1, 0.003, 1e-9]), np.int32(0), INT8_NARROW, PerChannel(1))


def test_the_scale_is_the_float32_product_and_one_for_each_channel() -> None:
    params = bias_params(INPUT, WEIGHT)
    assert np.array_equal(params.scale, np.float32(0.0235) * WEIGHT.scale)
    assert (params.format, params.granularity) == (INT32, PerChannel(0))


def test_a_weight_per_tensor_gives_a_bias_per_tensor() -> None:
    weight = QuantParams(np.float32(0.5), np.int32(0), INT8_NARROW, PerTensor())
    assert bias_params(INPUT, weight).scale.shape == ()


def test_codes_are_half_to_even_and_saturate() -> None:
    one = QuantParams(np.float32(1), np.int32(0), UINT8, PerTensor())
    weight = QuantParams(np.ones(4), np.int32(0), INT8_NARROW, PerChannel(0))
    codes = quantize_bias(np.float32([0.5, 1.5, 1e12, -1e12]), one, weight)
    assert codes.tolist() == [0, 2, 2**31 - 1, -(2**31)]
    assert codes.dtype == np.int32


def test_onnxruntime_dequantizes_a_bias_to_the_same_values() -> None:
    onnx, ort = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    bias = np.float32([3.7, -0.2, 1e-4])
    params = bias_params(INPUT, WEIGHT)
    codes = quantize_bias(bias, INPUT, WEIGHT)
    helper, kinds = onnx.helper, onnx.TensorProto
    graph = helper.make_graph(
        [helper.make_node("DequantizeLinear", ["q", "scale"], ["bias"], axis=0)],
        "bias",
        [helper.make_tensor_value_info("q", kinds.INT32, [3])],
        [helper.make_tensor_value_info("bias", kinds.FLOAT, [3])],
        [helper.make_tensor("scale", kinds.FLOAT, [3], params.scale)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    assert np.array_equal(session.run(None, {"q": codes})[0], dequantize(codes, params))


def test_blocked_weights_have_no_single_scale() -> None:
    blocked = QuantParams(np.ones((4, 2)), np.int32(0), INT8_NARROW, PerGroup(1, 32))
    with pytest.raises(NumericsError, match="per group of 32"):
        bias_params(INPUT, blocked)


def test_only_scales_whose_bias_does_not_fit_are_raised() -> None:
    bias = np.float32([1.0, -2.0, 3.0])
    raised = raise_weight_scale_for_bias(WEIGHT, INPUT, bias)
    assert raised.scale[:2].tolist() == WEIGHT.scale[:2].tolist()
    assert raised.scale[2] > WEIGHT.scale[2]
    assert (raised.format, raised.granularity) == (WEIGHT.format, WEIGHT.granularity)
    assert quantize_bias(bias, INPUT, raised)[2] == pytest.approx(BIAS_LIMIT, rel=1e-5)


def test_rounding_never_leaves_a_raised_scale_just_too_small() -> None:
    rng = np.random.default_rng(0)
    weight = QuantParams(np.full(10_000, MIN_SCALE), np.int32(0), INT8_NARROW, PerChannel(0))
    for input_scale in rng.uniform(1e-6, 1.0, 20):
        given_input = QuantParams(np.float32(input_scale), np.int32(0), UINT8, PerTensor())
        bias = (rng.standard_normal(10_000) * 10.0 ** rng.uniform(-40, 10, 10_000)).astype(np.float32)
        raised = raise_weight_scale_for_bias(weight, given_input, bias)
        assert bias_params(given_input, raised).scale.min() >= MIN_SCALE
        assert np.abs(quantize_bias(bias, given_input, raised).astype(np.int64)).max() <= BIAS_LIMIT


scales = st.floats(MIN_SCALE, 1e10, width=32)


@given(scales, scales, st.none() | st.floats(-1e10, 1e10, width=32), st.booleans())
def test_after_raising_every_bias_fits(
    input_scale: float, weight_scale: float, value: float | None, is_per_channel: bool
) -> None:
    given_input = QuantParams(np.float32(input_scale), np.int32(0), UINT8, PerTensor())
    granularity = PerChannel(0) if is_per_channel else PerTensor()
    scale = np.full((2,) if is_per_channel else (), weight_scale)
    weight = QuantParams(scale, np.int32(0), INT8_NARROW, granularity)
    bias = None if value is None else np.float32([value, 0])
    raised = raise_weight_scale_for_bias(weight, given_input, bias)
    assert np.all(raised.scale >= weight.scale)
    assert bias_params(given_input, raised).scale.min() >= MIN_SCALE
    if bias is not None:
        assert np.abs(quantize_bias(bias, given_input, raised).astype(np.int64)).max() <= BIAS_LIMIT
