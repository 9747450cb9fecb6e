"""The squared error that quantization makes on the values of a histogram."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clika_core.observers.histogram import Histogram
from clika_core.schemes.formats import IntegerFormat


def expected_squared_error(
    histogram: Histogram, scale: NDArray[np.float32], zero_point: NDArray[np.int32], format: IntegerFormat
) -> NDArray[np.float64]:
    """Sum over all values of (x - fake_quantize(x))², for C pairs of scale and zero_point: float64 [C].

    Values count as spread evenly over their bin, and the error is integrated over it, so that an estimate
    does not depend on where bin centres fall beside codes. With t = x / scale, n = clip(rint(t)) the code
    minus zero_point, and r = t - n, the integral of r² from one t to another is the difference of

        n / 12 + r³ / 3

    which holds inside the range, where |r| <= 1/2, and in both clipped parts, where n stands still.
    """
    step = scale.astype(np.float64)
    remainder = histogram.edges / step[:, None]  # t so far
    low, high = format.quant_min - zero_point[:, None], format.quant_max - zero_point[:, None]
    code = np.clip(np.rint(remainder), low, high)
    remainder -= code
    integral = remainder * remainder * remainder
    integral /= 3
    code /= 12
    integral += code
    weight, in_a_point = _weights(histogram)
    spread, in_point = integral @ weight * step**3, in_a_point * np.square(remainder[:, -1] * step)
    return np.maximum(spread + in_point, 0.0)  # no error at all may come out a rounding below 0


def _weights(histogram: Histogram) -> tuple[NDArray[np.float64], float]:
    """What each edge's integral counts, and how many values lie in a last bin without width.

    Summed by parts: density · (integral at the upper edge - integral at the lower one), over all bins.
    """
    widths, counts = np.diff(histogram.edges), histogram.counts.astype(np.float64)
    has_width = widths > 0
    density = np.where(has_width, counts, 0.0) / np.where(has_width, widths, 1.0)
    padded = np.concatenate([[0.0], density, [0.0]])
    return padded[:-1] - padded[1:], 0.0 if has_width[-1] else float(counts[-1])
