"""What observers need of arrays: three reductions, so that calibration is written once for all backends."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class ArrayOps(Protocol):
    """Reductions of native floating-point arrays, as a backend's `arrays` offers them.

    All compute on the float32 value of each element, whatever its dtype. `NumpyArrays` is the reference.
    """

    def to_numpy(self, array: Any) -> NDArray[Any]:
        """The array on the host; used only to explain what is wrong with it."""

    def min_max(self, array: Any) -> tuple[float, float]:
        """Smallest and largest element; NaN, both, if any element is NaN."""

    def min_max_per_sample(self, array: Any) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Smallest and largest element of each entry of axis 0; two float32 arrays [N]."""

    def histogram(self, array: Any, bin_exponent: int, first_bin: int, num_bins: int) -> NDArray[np.int64]:
        """int64 counts [num_bins] of `floor(x / 2**bin_exponent) - first_bin`; all x must fall inside.

        The quotient is exact in float32 while `bin_exponent <= 0`; above, tiny values would underflow, and it
        is taken in float64.
        """
