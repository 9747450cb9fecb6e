"""Where codes end once their zero point is taken off: what a backend clamps to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clika_core.errors import NumericsError
from clika_core.numerics.quant_params import QuantParams
from clika_core.numerics.sharing import expand
from clika_core.schemes.formats import BIAS_BITS, Format, IntegerFormat

Limit = float | NDArray[np.float32]
"""One for all codes, or float32 that broadcasts to them."""


def centred_limits(params: QuantParams, shape: tuple[int, ...]) -> tuple[Limit, Limit]:
    """quant_min - zero_point and quant_max - zero_point, for codes of `shape`.

    Raises `NumericsError` for formats that are not integers.
    """
    low, high = integer_limits(params.format)
    if params.format.num_bits == BIAS_BITS:
        return low, high  # zero_point is 0
    if params.zero_point.ndim == 0:
        zero_point = float(params.zero_point)
        return low - zero_point, high - zero_point
    spread: NDArray[np.float32] = expand(params.zero_point, shape, params.granularity).astype(np.float32)
    return np.float32(low) - spread, np.float32(high) - spread


def integer_limits(format: Format) -> tuple[float, float]:
    """quant_min and quant_max. Raises `NumericsError` for formats that are not integers."""
    if not isinstance(format, IntegerFormat):
        raise NumericsError(
            "codes are integers here",
            found=str(format),
            expected="an integer format",
            fix="use int8 or uint8: floating-point formats are not simulated yet",
        )
    return float(format.quant_min), float(format.quant_max)
