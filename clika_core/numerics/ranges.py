"""From an observed range of real values to quantization parameters."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clika_core.errors import NumericsError
from clika_core.numerics.quant_params import MIN_SCALE, QuantParams
from clika_core.schemes.scheme import QuantScheme


def params_from_range(min_value: ArrayLike, max_value: ArrayLike, scheme: QuantScheme) -> QuantParams:
    """The parameters that cover [min_value, max_value] under `scheme`.

    `min_value` and `max_value` have the shape of `scale`: scalars per tensor. Raises `NumericsError` unless
    both are finite and min_value <= max_value. 0.0 is always exactly a code; a range of nothing but 0 gets
    scale 1, zero_point 0.
    """
    low, high = np.asarray(min_value, dtype=np.float64), np.asarray(max_value, dtype=np.float64)
    if not (np.isfinite(low).all() and np.isfinite(high).all() and np.all(low <= high)):
        raise NumericsError(
            "this is no range",
            found=f"min_value {_shown(low)}, max_value {_shown(high)}",
            expected="finite values with min_value <= max_value",
            fix="calibrate with data that holds no NaN or infinity",
        )
    scale, zero_point = scale_and_zero_point(low, high, scheme)
    return QuantParams(scale, zero_point, scheme.format, scheme.granularity)


def scale_and_zero_point(
    min_value: NDArray[np.float64], max_value: NDArray[np.float64], scheme: QuantScheme
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Scale and zero point of many ranges at once, any shape. Computed in float64; scale is rounded once.

    symmetric   scale = max(|min|, |max|) / quant_max
                zero_point = 0
    asymmetric  scale = (max' - min') / (quant_max - quant_min)     min' = min(min, 0), max' = max(max, 0)
                zero_point = clip(rint(quant_min - min' / scale), quant_min, quant_max)
    """
    low, high = np.minimum(min_value, 0.0), np.maximum(max_value, 0.0)
    quant_min, quant_max = scheme.format.quant_min, scheme.format.quant_max
    symmetric, asymmetric = np.maximum(-low, high) / quant_max, (high - low) / (quant_max - quant_min)
    ideal = symmetric if scheme.is_symmetric else asymmetric
    is_zero = (low == 0.0) & (high == 0.0)
    scale = np.where(is_zero, 1.0, np.maximum(ideal, MIN_SCALE)).astype(np.float32)
    if scheme.is_symmetric:
        return scale, np.zeros(scale.shape, np.int32)
    zero_point = np.clip(np.rint(quant_min - low / scale.astype(np.float64)), quant_min, quant_max)
    return scale, np.where(is_zero, 0, zero_point).astype(np.int32)


def _shown(values: NDArray[np.float64]) -> str:
    return str(values) if values.size == 1 else f"array of {values.size}"
