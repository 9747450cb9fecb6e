"""The three operations: real values to codes, codes to real values, and both in turn.

    quantize(x)       q = clip(rint(x / scale) + zero_point, quant_min, quant_max)      rint: half to even
    dequantize(q)     (q - zero_point) · scale
    fake_quantize     dequantize ∘ quantize, cast once to the dtype of x

All of it in float32, whatever the dtype of x, with an IEEE division: x · (1 / scale) rounds some ties
otherwise. For fp8, `clip(rint(...))` stands for rounding to the nearest value of the format, ties to even,
saturating. Both infinities saturate. (Jacob et al. 2018, section 2.1.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.errors import NumericsError
from clika_core.numerics import fp8
from clika_core.numerics.quant_params import QuantParams
from clika_core.numerics.sharing import expand
from clika_core.schemes.formats import BIAS_BITS, FloatFormat, Format


def quantize(x: NDArray[Any], params: QuantParams) -> NDArray[Any]:
    """The codes of `x`, in `params.format.storage_dtype` (bit patterns for fp8), same shape.

    `x` is a floating-point array of any shape that fits `params`. Raises `NumericsError` on NaN, which has
    no code.
    """
    values = as_float32(x)
    if np.isnan(values).any():
        raise NumericsError(
            "NaN has no code",
            found=f"{int(np.isnan(values).sum())} NaN of {values.size} values",
            expected="numbers or infinities",
            fix="find where the NaN comes from; fake_quantize lets NaN through",
        )
    centred = centred_codes(values, params)
    if isinstance(params.format, FloatFormat):
        return fp8.encode(centred, params.format)
    codes = centred + expand(params.zero_point, values.shape, params.granularity)
    return np.asarray(codes).astype(params.format.storage_dtype)


def dequantize(codes: NDArray[Any], params: QuantParams) -> NDArray[np.float32]:
    """The float32 values of `codes` (as `quantize` returns them), same shape."""
    scale = expand(params.scale, codes.shape, params.granularity)
    if isinstance(params.format, FloatFormat):
        return np.asarray(fp8.decode(codes, params.format) * scale)
    zero_point = expand(params.zero_point, codes.shape, params.granularity)
    with np.errstate(over="ignore"):
        return np.asarray((codes.astype(np.int32) - zero_point).astype(np.float32) * scale)


def fake_quantize(x: NDArray[Any], params: QuantParams) -> NDArray[Any]:
    """`x` rounded to the values that codes stand for; dtype and shape of `x`. NaN stays NaN."""
    values = as_float32(x)
    scale = expand(params.scale, values.shape, params.granularity)
    with np.errstate(over="ignore"):
        real = centred_codes(values, params).astype(np.float32) * scale
        return np.asarray(real).astype(np.asarray(x).dtype)


def centred_codes(values: NDArray[np.float32], params: QuantParams) -> NDArray[Any]:
    """Codes minus zero_point, as floats: the multiples of `scale` that `values` are rounded to.

    float32, exact; float64 for 32-bit biases, whose limits float32 cannot hold. NaN stays NaN.
    """
    zero_point = expand(params.zero_point, values.shape, params.granularity)
    return clip_codes(unclipped_codes(values, params), params.format) - zero_point.astype(np.float32)


def unclipped_codes(values: NDArray[np.float32], params: QuantParams) -> NDArray[np.float32]:
    """`rint(values / scale) + zero_point` before clipping; for fp8 the nearest value of the format's grid."""
    scale = expand(params.scale, values.shape, params.granularity)
    zero_point = expand(params.zero_point, values.shape, params.granularity)
    with np.errstate(over="ignore"):
        ratio = np.asarray(values / scale)
    if isinstance(params.format, FloatFormat):
        return fp8.round_to_grid(ratio, params.format)
    return np.asarray(np.rint(ratio) + zero_point.astype(np.float32))


def clip_codes(codes: NDArray[np.float32], format: Format) -> NDArray[Any]:
    """`codes` clipped to [quant_min, quant_max]; in float64 for 32-bit biases, else in float32."""
    is_bias = format.num_bits == BIAS_BITS
    wide = codes.astype(np.float64) if is_bias else codes
    return np.clip(wide, wide.dtype.type(format.quant_min), wide.dtype.type(format.quant_max))


def as_float32(x: NDArray[Any]) -> NDArray[np.float32]:
    """`x` in float32; raises `NumericsError` when it holds integers: codes are not quantized again."""
    array = np.asarray(x)
    if array.dtype.kind in "biucOSU":
        raise NumericsError(
            "only real values are quantized",
            found=f"an array of {array.dtype}",
            expected="a floating-point array",
            fix="quantize the real values; dequantize turns codes back into them",
        )
    with np.errstate(over="ignore"):  # float64 beyond float32 becomes infinity, and saturates
        return array.astype(np.float32, copy=False)
