"""The reductions observers need, in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.numerics.quantize import as_float32

_CHUNK = 1 << 16  # elements: the temporaries of one chunk stay in the cache


class NumpyArrays:
    """`ArrayOps` for NumPy arrays of any floating-point dtype."""

    def to_numpy(self, array: NDArray[Any]) -> NDArray[Any]:
        """The array itself."""
        return array

    def min_max(self, array: NDArray[Any]) -> tuple[float, float]:
        """Smallest and largest element; NaN, both, if any element is NaN."""
        values = as_float32(array)
        return float(values.min()), float(values.max())

    def min_max_per_sample(self, array: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Smallest and largest element of each entry of axis 0; two float32 arrays [N]."""
        values = as_float32(array)
        rows = values.reshape(len(values), -1) if values.ndim else values.reshape(1, 1)
        return rows.min(axis=1), rows.max(axis=1)

    def histogram(
        self, array: NDArray[Any], bin_exponent: int, first_bin: int, num_bins: int
    ) -> NDArray[np.int64]:
        """int64 counts [num_bins] of `floor(x / 2**bin_exponent) - first_bin`; all x must fall inside."""
        flat = as_float32(array).ravel(order="K")
        kind = np.dtype(np.float32 if bin_exponent <= 0 else np.float64)
        factor, offset = kind.type(2.0**-bin_exponent), kind.type(first_bin)
        scaled = np.empty(min(_CHUNK, flat.size), kind)
        index = np.empty(scaled.size, np.intp)
        counts = np.zeros(num_bins, np.int64)
        for start in range(0, flat.size, _CHUNK):
            chunk = flat[start : start + _CHUNK]
            bins, codes = scaled[: chunk.size], index[: chunk.size]
            np.multiply(chunk, factor, out=bins)
            np.floor(bins, out=bins)
            np.subtract(bins, offset, out=codes, casting="unsafe")
            counts += np.bincount(codes, minlength=num_bins)
        return counts
