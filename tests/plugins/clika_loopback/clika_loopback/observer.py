"""`PowerOfTwoObserver`: ranges whose scales a shift can apply."""

from __future__ import annotations

from math import frexp, ldexp
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from clika_core.observers import Extent, Observer, ValueRange
from clika_core.schemes.scheme import QuantScheme


@final
class PowerOfTwoObserver(Observer):
    """What was seen, cut at the largest power of two that is not above its largest magnitude."""

    def _add(self, array: Any, arrays: Any, extent: Extent) -> None:
        pass  # the limits are all it needs

    def _join(self, other: Self) -> None:
        pass

    def _choose(self, scheme: QuantScheme) -> ValueRange:
        low, high = self.extent.min_value, self.extent.max_value
        limit = ldexp(0.5, frexp(max(-low, high))[1])
        return ValueRange(max(low, -limit), min(high, limit))

    def _occupied(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return np.array([self.extent.min_value]), np.array([self.extent.max_value])
