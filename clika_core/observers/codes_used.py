"""How many of its codes a quantized value reaches: few mean a wasted range."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clika_core.numerics.quant_params import QuantParams
from clika_core.numerics.quantize import quantize
from clika_core.schemes.formats import FloatFormat


def share_of_codes(lower: NDArray[np.float64], upper: NDArray[np.float64], params: QuantParams) -> float:
    """The share of the codes, 0 to 1, that values between `lower[i]` and `upper[i]` (any i) become."""
    num_codes = params.format.num_codes
    steps = np.zeros(num_codes + 1, np.int64)
    np.add.at(steps, _ranks(lower, params), 1)
    np.add.at(steps, _ranks(upper, params) + 1, -1)
    return float(np.count_nonzero(np.cumsum(steps)[:-1]) / num_codes)


def _ranks(values: NDArray[np.float64], params: QuantParams) -> NDArray[np.int64]:
    """The place of each value's code among all codes, by the value they stand for: 0 is the lowest."""
    codes = quantize(values, params).astype(np.int64)
    if isinstance(params.format, FloatFormat):  # sign and magnitude
        magnitude = codes & 127
        return np.where(codes > 127, -magnitude, magnitude) + params.format.num_codes // 2
    return codes - params.format.quant_min
