"""The mean of each sample's limits: a single extreme sample moves the range little."""

from __future__ import annotations

from typing import Any, Final, Self, final

import numpy as np
from numpy.typing import NDArray

from clika_core.observers.array_ops import ArrayOps
from clika_core.observers.extent import Extent, ValueRange
from clika_core.observers.observer import Observer
from clika_core.schemes.scheme import QuantScheme

_UNIT_EXPONENT: Final = (
    172  # every float32 is its 24-bit integer times 2**-172 times a power of two, not below 1
)
_LEAST_SHIFT: Final = _UNIT_EXPONENT - 24  # minus the exponent of the smallest subnormal, as frexp counts it


@final
class MeanMinMaxObserver(Observer):
    """The range from the mean of the samples' smallest values to the mean of their largest.

    A sample is an entry of axis 0. The sums are Python integers, without rounding, so that neither order nor
    split of the batches can be seen.
    """

    def __init__(self) -> None:
        """An observer that has seen nothing."""
        super().__init__()
        self._count = 0
        self._sum_of_minima = 0
        self._sum_of_maxima = 0

    def _add(self, array: Any, arrays: ArrayOps, extent: Extent) -> None:
        minima, maxima = arrays.min_max_per_sample(array)
        self._count += minima.size
        self._sum_of_minima += _exact_sum(minima)
        self._sum_of_maxima += _exact_sum(maxima)

    def _join(self, other: Self) -> None:
        self._count += other._count
        self._sum_of_minima += other._sum_of_minima
        self._sum_of_maxima += other._sum_of_maxima

    def _own_json(self) -> list[int]:
        return [self._count, self._sum_of_minima, self._sum_of_maxima]

    def _join_json(self, own: Any, extent: Extent) -> None:
        count, minima, maxima = own
        self._count += count
        self._sum_of_minima += minima
        self._sum_of_maxima += maxima

    def _choose(self, scheme: QuantScheme) -> ValueRange:
        denominator = self._count << _UNIT_EXPONENT
        return ValueRange(self._sum_of_minima / denominator, self._sum_of_maxima / denominator)

    def _occupied(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return np.array([self.extent.min_value]), np.array([self.extent.max_value])


def _exact_sum(values: NDArray[np.float32]) -> int:
    """The sum in units of 2**-172: 24-bit integers are added up exponent by exponent, exactly in float64."""
    fraction, exponent = np.frexp(values.astype(np.float64))
    sums = np.bincount(exponent + _LEAST_SHIFT, np.ldexp(fraction, 24))
    return sum(int(total) << shift for shift, total in enumerate(sums.tolist()))
