"""Code for code the same as onnxruntime and onnx.reference, on the inputs where implementations differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clika_core.numerics import QuantParams, dequantize, fake_quantize, fp8, quantize
from clika_core.numerics.probes import probe_values
from clika_core.schemes import CodeRange, FloatFormat, Format, IntegerFormat, PerChannel, PerGroup, PerTensor
from clika_core.schemes.named import FP8_E4M3, FP8_E5M2

SCALES = [1.0, 0.1, 0.0235294122248888, 1 / 3, 7.3e-5, 2.0**-100, 1.7e20, 123.456]
FORMATS: list[Format] = [
    *(IntegerFormat(bits, is_signed=sign) for bits in (2, 4, 8, 16) for sign in (True, False)),
    FP8_E4M3,
    FP8_E5M2,
]
Runtime = Callable[[NDArray[np.float32], QuantParams], Any]


def params_for(format: Format, scale: float, index: int) -> QuantParams:
    """Parameters per tensor; the zero points go through the lowest code, the highest, and codes between."""
    zero_point = 0
    if isinstance(format, IntegerFormat):
        zero_point = (format.quant_min, format.quant_max, 0, format.quant_max // 3)[index % 4]
    return QuantParams(np.float32(scale), np.int32(zero_point), format, PerTensor())


def code_values(codes: NDArray[Any], format: Format) -> NDArray[Any]:
    """Codes as a runtime casts them to float: integers, or the value of the fp8 pattern."""
    return fp8.decode(codes, format) if isinstance(format, FloatFormat) else codes.astype(np.float32)


def assert_same_bits(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> None:
    """Equal, zeros of either sign included."""
    assert np.array_equal(ours.view(np.uint32), theirs.view(np.uint32))


@pytest.mark.parametrize("count", [10**6, pytest.param(10**7, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("format", FORMATS, ids=str)
def test_onnxruntime_gives_the_same_codes_and_reals(format: Format, count: int, onnxruntime: Runtime) -> None:
    compared = 0
    for index, scale in enumerate(SCALES):
        params = params_for(format, scale, index)
        values = probe_values(params, count // len(SCALES), seed=index)
        codes = quantize(values, params)
        theirs = onnxruntime(values, params)
        assert np.array_equal(code_values(codes, format), theirs.codes)
        assert_same_bits(dequantize(codes, params), theirs.reals)
        assert_same_bits(fake_quantize(values, params), theirs.reals)
        compared += values.size
    assert compared >= count


@pytest.mark.parametrize("format", FORMATS, ids=str)
def test_onnx_reference_gives_the_same_codes_and_reals(format: Format, onnx_reference: Runtime) -> None:
    params = params_for(format, 0.0235294122248888, 3)
    values = probe_values(params, 10**6)
    if isinstance(format, IntegerFormat):  # it goes through int32, and wraps around there
        values = values[np.abs(values) < 2.0**30 * params.scale]
    with np.errstate(over="ignore"):
        theirs = onnx_reference(values, params)
    codes = quantize(values, params)
    assert np.array_equal(code_values(codes, format), theirs.codes)
    assert_same_bits(dequantize(codes, params), theirs.reals)


@pytest.mark.parametrize("code_range", CodeRange)
@pytest.mark.parametrize("is_signed", [True, False])
@pytest.mark.parametrize("num_bits", range(2, 16))
def test_other_widths_are_onnxruntime_s_16_bits_clipped_further(
    num_bits: int, is_signed: bool, code_range: CodeRange, onnxruntime: Runtime
) -> None:
    if code_range is not CodeRange.FULL and not is_signed:
        return  # refused by the format
    format = IntegerFormat(num_bits, is_signed, code_range)
    params = params_for(format, 0.0371, num_bits)
    wide = QuantParams(params.scale, params.zero_point, IntegerFormat(16, is_signed=True), PerTensor())
    values = probe_values(params, 20_000)
    theirs = np.clip(onnxruntime(values, wide).codes, format.quant_min, format.quant_max)
    assert np.array_equal(quantize(values, params), theirs)


@pytest.mark.parametrize("granularity", [PerChannel(1), PerGroup(1, 32), PerGroup(2, 16)], ids=str)
def test_onnxruntime_shares_scales_in_the_same_way(
    granularity: PerChannel | PerGroup, onnxruntime: Runtime
) -> None:
    rng = np.random.default_rng(1)
    values = rng.standard_normal((5, 64, 48)).astype(np.float32)
    shape = granularity.scale_shape(values.shape)
    scale, zero_point = rng.uniform(0.001, 0.1, shape), rng.integers(-128, 128, shape)
    params = QuantParams(scale, zero_point, IntegerFormat(8, is_signed=True), granularity)
    theirs = onnxruntime(values, params)
    assert np.array_equal(quantize(values, params), theirs.codes)
    assert_same_bits(fake_quantize(values, params), theirs.reals)


def test_the_comparison_would_notice_a_multiplication_by_the_reciprocal() -> None:
    params = params_for(IntegerFormat(8, is_signed=True), 0.0235294122248888, 2)
    values = probe_values(params, 100_000)
    with np.errstate(over="ignore"):
        wrong = np.clip(np.rint(values * (np.float32(1) / params.scale)), -128, 127)
    assert not np.array_equal(quantize(values, params), wrong)
