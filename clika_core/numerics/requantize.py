"""From a quantized layer's integer sums to the codes of its output.

    multiplier = float32(float32(scale_x · scale_w) / scale_y)
    code       = clip(rint(sum · multiplier) + zero_point_y, quant_min, quant_max)

One float32 product, then half to even: what onnxruntime computes. In float64 some codes differ.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.numerics.quant_params import QuantParams
from clika_core.numerics.quantize import clip_codes
from clika_core.schemes.granularity import normalize_axis


def requantize_multiplier(
    input_params: QuantParams, weight_params: QuantParams, output_params: QuantParams
) -> NDArray[np.float32]:
    """The factor from sums to output codes: float32, shape () or (C,) as the weight's scale."""
    return np.asarray(input_params.scale * weight_params.scale / output_params.scale)


def requantize(
    accumulator: NDArray[Any],
    multiplier: NDArray[np.float32],
    output_params: QuantParams,
    axis: int | None = None,
) -> NDArray[Any]:
    """The output codes of the sums `accumulator`, in the output's storage dtype, same shape.

    `accumulator` holds integers, of any dtype; `multiplier` is a scalar, or a vector along `axis` of it.
    `output_params` are integer and per tensor.
    """
    if axis is not None:
        channel = normalize_axis(axis, accumulator.shape)
        multiplier = multiplier.reshape([-1 if i == channel else 1 for i in range(accumulator.ndim)])
    with np.errstate(over="ignore"):
        scaled = np.rint(accumulator.astype(np.float32) * multiplier.astype(np.float32))
    codes = scaled + output_params.zero_point.astype(np.float32)
    return np.asarray(clip_codes(codes, output_params.format)).astype(output_params.format.storage_dtype)
