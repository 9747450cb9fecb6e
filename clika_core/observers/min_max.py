"""The plainest observer: everything that was seen is covered."""

from __future__ import annotations

from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from clika_core.observers.array_ops import ArrayOps
from clika_core.observers.extent import Extent, ValueRange
from clika_core.observers.observer import Observer
from clika_core.schemes.scheme import QuantScheme


@final
class MinMaxObserver(Observer):
    """The range from the smallest to the largest value."""

    def _add(self, array: Any, arrays: ArrayOps, extent: Extent) -> None:
        pass  # the limits are all it needs

    def _join(self, other: Self) -> None:
        pass

    def _choose(self, scheme: QuantScheme) -> ValueRange:
        return self.extent.value_range

    def _occupied(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return np.array([self.extent.min_value]), np.array([self.extent.max_value])
