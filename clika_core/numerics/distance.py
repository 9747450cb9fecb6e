"""How far quantized outputs are from float ones: the measures behind QS.

    QS = relative_l2 = ||Q - F||₂ / ||F||₂         sqnr_db = -20 · log10(QS)

Squares are summed in float64 over all samples, then one root of the ratio is taken. Sums of batches add up.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


def sum_of_squares(array: NDArray[Any], other: NDArray[Any] | None = None) -> float:
    """Sum of `(array - other)**2`, or of `array**2`; differences, squares and sum in float64."""
    wide = array.astype(np.float64)
    if other is not None:
        wide -= other
    return float(np.sum(np.square(wide, out=wide)))


def relative_l2(squared_error: float, squared_reference: float) -> float:
    """`sqrt(squared_error / squared_reference)`; for a reference of 0: 0 if there is no error, else infinity.

    NaN in, NaN out: a finding for the caller to report.
    """
    if math.isnan(squared_error) or math.isnan(squared_reference):
        return math.nan
    if squared_reference == 0.0:
        return 0.0 if squared_error == 0.0 else math.inf
    if math.isinf(squared_reference):
        return math.nan
    return math.sqrt(squared_error / squared_reference)


def sqnr_db(relative_error: float) -> float:
    """Signal-to-quantization-noise ratio in decibels: infinity for no error, -infinity for infinite error."""
    if relative_error == 0.0:
        return math.inf
    return -20.0 * math.log10(relative_error)
