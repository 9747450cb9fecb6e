"""The range with the least squared error: the default for activations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from clika_core.numerics.ranges import scale_and_zero_point
from clika_core.observers.expected_error import expected_squared_error
from clika_core.observers.extent import ValueRange
from clika_core.observers.histogram import Histogram
from clika_core.observers.histogram_observer import HistogramObserver
from clika_core.schemes.formats import FloatFormat, IntegerFormat
from clika_core.schemes.scheme import QuantScheme

TOLERANCE: Final = 0.05  # a clipped range must beat a wider one by this share of the error
_SHARES: Final = np.geomspace(1.0, 1 / 256, 33)  # of a limit: those tried, 1 being the limit itself
_NEAR: Final = np.geomspace(
    _SHARES[0] / _SHARES[1], _SHARES[1], 7
)  # times the best: one step of _SHARES either way


@final
class MseObserver(HistogramObserver):
    """The range that makes the squared error of quantization least, or a wider one that is nearly as good.

    Clipping trades many small rounding errors for few large ones (Banner et al. 2019, section 3; here
    without assuming a distribution). Of all ranges tried whose error is within `TOLERANCE` of the least,
    the widest is taken: the squared error in one layer is only an estimate of the harm, and large values
    often decide. By its own measure never worse than the full range. fp8 keeps the full range: its steps
    shrink with the values, so that clipping gains nothing.
    """

    def _choose_from(self, histogram: Histogram, scheme: QuantScheme) -> ValueRange:
        limits = np.array([min(histogram.min_value, 0.0), max(histogram.max_value, 0.0)])
        if isinstance(scheme.format, FloatFormat):
            return ValueRange(*limits.tolist())
        tried = _search(limits, _Measure(histogram, scheme, scheme.format, limits))
        good = limits * tried.shares[tried.errors <= tried.errors.min() * (1 + TOLERANCE)]
        return ValueRange(*good[np.argmax(good[:, 1] - good[:, 0])].tolist())


@dataclass(frozen=True, slots=True, eq=False)
class _Tried:
    """Ranges as shares of the limits, float64 [N, 2], 0 to 1, and their errors, float64 [N]."""

    shares: NDArray[np.float64]
    errors: NDArray[np.float64]

    @property
    def best(self) -> NDArray[np.float64]:
        """The shares with the least error, [2]."""
        return np.asarray(self.shares[np.argmin(self.errors)])

    def join(self, other: _Tried) -> _Tried:
        """Both together."""
        return _Tried(
            np.concatenate([self.shares, other.shares]), np.concatenate([self.errors, other.errors])
        )


@dataclass(frozen=True, slots=True)
class _Measure:
    """Tries ranges on one histogram."""

    histogram: Histogram
    scheme: QuantScheme
    format: IntegerFormat
    limits: NDArray[np.float64]

    def __call__(self, shares: NDArray[np.float64]) -> _Tried:
        """The errors of ranges given as shares of the limits; over 1 counts as 1."""
        shares = np.minimum(shares, 1.0)
        low, high = (shares * self.limits).T
        scale, zero_point = scale_and_zero_point(low, high, self.scheme)
        return _Tried(shares, expected_squared_error(self.histogram, scale, zero_point, self.format))


def _search(limits: NDArray[np.float64], measure: _Measure) -> _Tried:
    """Both ends together; where each has an effect of its own, one after the other; then finely near the best."""
    tried = measure(np.stack([_SHARES, _SHARES], axis=1))
    if measure.scheme.is_symmetric or not limits.all():
        return tried.join(measure(np.outer(_NEAR, tried.best)))
    for end in (0, 1):
        shares = np.tile(tried.best, (_SHARES.size, 1))
        shares[:, end] = _SHARES
        tried = tried.join(measure(shares))
    near = np.stack(np.meshgrid(_NEAR, _NEAR), axis=-1).reshape(-1, 2)
    return tried.join(measure(tried.best * near))
