"""A histogram that merges exactly: bins 2**k wide, aligned at 0, at most 4,096 of them.

Bin b at exponent k holds the values x with floor(x / 2**k) = b. Two bins of exponent k form one of exponent
k + 1, because floor(floor(x / 2**k) / 2) = floor(x / 2**(k + 1)). The exponent follows from the extent of
the values alone, and grows with it. So the histogram of a whole is the same however its parts were split
and merged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from clika_core.observers.array_ops import ArrayOps

MAX_BINS: Final = 4096
_MIN_EXPONENT: Final = -126  # finer bins would tell subnormals apart, which some devices flush to 0
_MAX_INDEX_BITS: Final = 24  # bin numbers stay exact in float32


def bin_exponent(min_value: float, max_value: float) -> int:
    """The smallest k for which [min_value, max_value] needs at most 4,096 bins.

    Not below -126, nor so small that a bin number needs more than 24 bits: both matter only where all values
    are nearly the same. Monotone: a wider extent never has a smaller exponent.
    """
    magnitude, width = max(-min_value, max_value), max_value - min_value
    if magnitude == 0.0:
        return _MIN_EXPONENT
    exponent = max(_MIN_EXPONENT, math.frexp(magnitude)[1] - _MAX_INDEX_BITS)
    if width == 0.0:
        return exponent
    exponent = max(exponent, math.frexp(width)[1] - 12)  # one less needs over 4,096 bins
    while bin_number(max_value, exponent) - bin_number(min_value, exponent) >= MAX_BINS:
        exponent += 1
    return exponent


def bin_number(value: float, exponent: int) -> int:
    """floor(value / 2**exponent), exactly."""
    return math.floor(math.ldexp(value, -exponent))


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """How many values fell into each bin between the smallest and the largest; both are known exactly.

    counts   int64 [num_bins]: bin i is number `first_bin + i` at `exponent`; the sum is the number of values
    """

    min_value: float
    max_value: float
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, array: Any, arrays: ArrayOps, min_value: float, max_value: float) -> Histogram:
        """The histogram of a native array of finite values whose limits are known."""
        exponent = bin_exponent(min_value, max_value)
        first, last = bin_number(min_value, exponent), bin_number(max_value, exponent)
        counts = arrays.histogram(array, exponent, first, last - first + 1)
        return cls(min_value, max_value, counts)

    @property
    def exponent(self) -> int:
        """k: bins are 2**k wide."""
        return bin_exponent(self.min_value, self.max_value)

    @property
    def first_bin(self) -> int:
        """The number of the first bin."""
        return bin_number(self.min_value, self.exponent)

    @property
    def edges(self) -> NDArray[np.float64]:
        """float64 [num_bins + 1]: the limits of the bins, the outer two being the exact limits of the values.

        The last bin has no width where the largest value lies on its lower limit.
        """
        numbers = self.first_bin + np.arange(self.counts.size + 1, dtype=np.float64)
        edges = np.ldexp(numbers, self.exponent)
        edges[0], edges[-1] = self.min_value, self.max_value
        return edges

    def merge(self, other: Histogram) -> Histogram:
        """The histogram of both together: exact, associative, commutative."""
        low = min(self.min_value, other.min_value) + 0.0
        high = max(self.max_value, other.max_value) + 0.0
        exponent = bin_exponent(low, high)
        first, last = bin_number(low, exponent), bin_number(high, exponent)
        counts = np.zeros(last - first + 1, np.int64)
        for part in (self, other):
            start = bin_number(part.min_value, exponent) - first
            coarse = _coarsen(part.counts, part.first_bin, exponent - part.exponent)
            counts[start : start + coarse.size] += coarse
        return Histogram(low, high, counts)


def _coarsen(counts: NDArray[np.int64], first_bin: int, shift: int) -> NDArray[np.int64]:
    """Counts of bins 2**shift times as wide, from the one that holds `first_bin` on."""
    if shift == 0:
        return counts
    numbers = first_bin + np.arange(counts.size)
    _, starts = np.unique(numbers >> min(shift, 62), return_index=True)
    return np.asarray(np.add.reduceat(counts, starts))
