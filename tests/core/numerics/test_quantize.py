"""quantize, dequantize, fake_quantize: dtypes, special values, errors, and laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from clika_core.errors import NumericsError
from clika_core.numerics import QuantParams, dequantize, fake_quantize, params_from_range, quantize
from clika_core.schemes import CodeRange, IntegerFormat, PerChannel, PerTensor, QuantScheme
from clika_core.schemes.named import FP8_E4M3, FP8_E5M2, INT8, INT8_NARROW, INT32

ONE = QuantParams(np.float32(1), np.int32(0), INT8, PerTensor())
FP8 = QuantParams(np.float32(0.5), np.int32(0), FP8_E4M3, PerTensor())

integer_formats = st.builds(
    IntegerFormat, st.integers(2, 16), is_signed=st.just(True), code_range=st.sampled_from(CodeRange)
) | st.builds(IntegerFormat, st.integers(2, 16), is_signed=st.just(False))
formats = integer_formats | st.sampled_from([FP8_E4M3, FP8_E5M2])
scales = st.floats(2.0**-100, 2.0**100, width=32)
values = arrays.arrays(np.float32, st.integers(1, 50), elements=st.floats(width=32, allow_nan=False))


@st.composite
def params(draw: st.DrawFn) -> QuantParams:
    """Any parameters per tensor."""
    format = draw(formats)
    low, high = (format.quant_min, format.quant_max) if isinstance(format, IntegerFormat) else (0, 0)
    zero_point = draw(st.integers(low, high))
    return QuantParams(np.float32(draw(scales)), np.int32(zero_point), format, PerTensor())


def test_ties_go_to_the_even_code() -> None:
    x = np.float32([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])
    assert quantize(x, ONE).tolist() == [-2, -2, 0, 0, 2, 2]


def test_infinities_saturate_and_nan_stays() -> None:
    x = np.float32([np.inf, -np.inf, np.nan, 3e38])
    assert fake_quantize(x, ONE).tolist()[:2] == [127, -128]
    assert np.isnan(fake_quantize(x, ONE)[2])
    assert fake_quantize(x, FP8).tolist()[:2] == [224, -224]
    assert np.isnan(fake_quantize(x, FP8)[2])


@pytest.mark.parametrize("any_params", [ONE, FP8], ids=["int8", "fp8"])
def test_nan_has_no_code(any_params: QuantParams) -> None:
    with pytest.raises(NumericsError, match="2 NaN of 3 values"):
        quantize(np.float32([np.nan, 0, np.nan]), any_params)


def test_codes_are_not_quantized_again() -> None:
    with pytest.raises(NumericsError, match="int8"):
        quantize(quantize(np.float32([1]), ONE), ONE)


def test_parameters_of_another_array_are_refused() -> None:
    three = QuantParams(np.ones(3), np.int32(0), INT8, PerChannel(0))
    with pytest.raises(NumericsError, match=r"scale of shape \[2\]"):
        quantize(np.zeros((2, 5), np.float32), three)


def test_narrow_and_half_ranges_clip_at_their_own_ends() -> None:
    x = np.float32([-200, 200])
    for format, end in ((INT8_NARROW, 127), (IntegerFormat(8, True, CodeRange.HALF), 64)):
        there = QuantParams(np.float32(1), np.int32(0), format, PerTensor())
        assert quantize(x, there).tolist() == [-end, end]


def test_a_bias_saturates_at_the_ends_of_int32() -> None:
    bias = QuantParams(np.float32(1), np.int32(0), INT32, PerTensor())
    assert quantize(np.float32([-np.inf, 1e20, 2**24]), bias).tolist() == [-(2**31), 2**31 - 1, 2**24]


@pytest.mark.parametrize("dtype", ["float16", "float64", "bfloat16"])
def test_fake_quantize_computes_in_float32_and_keeps_the_dtype(dtype: str) -> None:
    kind = np.dtype(pytest.importorskip("ml_dtypes").bfloat16) if dtype == "bfloat16" else np.dtype(dtype)
    x = np.linspace(-3, 3, 1001).astype(kind)
    there = QuantParams(np.float32(0.0235), np.int32(0), INT8, PerTensor())
    result = fake_quantize(x, there)
    assert result.dtype == kind
    assert np.array_equal(result, fake_quantize(x.astype(np.float32), there).astype(kind))


def test_scalars_keep_their_shape() -> None:
    codes = quantize(np.float32(3), ONE)
    assert (codes.shape, codes.dtype, dequantize(codes, ONE).shape) == ((), np.int8, ())
    assert fake_quantize(np.float32(3), ONE).shape == ()


@given(values, params())
def test_fake_quantize_is_dequantize_after_quantize(x: NDArray[np.float32], p: QuantParams) -> None:
    assert np.array_equal(fake_quantize(x, p), dequantize(quantize(x, p), p))


@given(values, params())
def test_fake_quantize_is_idempotent(x: NDArray[np.float32], p: QuantParams) -> None:
    once = fake_quantize(x, p)
    assert np.array_equal(fake_quantize(once, p), once)


@given(values, params())
def test_quantize_is_monotone(x: NDArray[np.float32], p: QuantParams) -> None:
    assert np.all(np.diff(fake_quantize(np.sort(x), p)) >= 0)


@given(params())
def test_every_code_survives_a_round_trip(p: QuantParams) -> None:
    if isinstance(p.format, IntegerFormat):
        codes = np.arange(p.format.quant_min, p.format.quant_max + 1).astype(p.format.storage_dtype)
    else:
        codes = np.arange((p.format.num_codes + 1) // 2, dtype=np.uint8)
    assert np.array_equal(quantize(dequantize(codes, p), p), codes)


@given(params())
def test_zero_is_exact(p: QuantParams) -> None:
    zero = np.float32([0.0, -0.0])
    assert fake_quantize(zero, p).tolist() == [0, 0]
    if isinstance(p.format, IntegerFormat):
        assert quantize(zero, p).tolist() == [p.zero_point, p.zero_point]


@settings(max_examples=200)
@given(
    st.floats(-1e30, 1e30),
    st.floats(-1e30, 1e30),
    integer_formats,
    arrays.arrays(np.float64, 50, elements=st.floats(0, 1)),
)
def test_inside_the_range_the_error_is_at_most_half_a_step(
    a: float, b: float, format: IntegerFormat, fractions: NDArray[np.float64]
) -> None:
    low, high = min(a, b, 0.0), max(a, b, 0.0)
    p = params_from_range(low, high, QuantScheme(format, PerTensor(), is_symmetric=format.is_signed))
    x = (low + (high - low) * fractions).astype(np.float32)
    representable = (np.array([format.quant_min, format.quant_max]) - float(p.zero_point)) * float(p.scale)
    inside = np.clip(x, *representable.astype(np.float32))
    error = np.abs(fake_quantize(inside, p).astype(np.float64) - inside)
    assert np.all(error <= 0.5 * float(p.scale) + 2.0**-22 * np.abs(inside))
    assert np.all(np.abs(x - inside) <= 0.51 * float(p.scale) + 2.0**-22 * np.abs(x))
