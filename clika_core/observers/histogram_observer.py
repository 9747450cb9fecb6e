"""What the observers that choose a range from a histogram share."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from clika_core.observers.array_ops import ArrayOps
from clika_core.observers.extent import Extent, ValueRange
from clika_core.observers.histogram import Histogram
from clika_core.observers.observer import Observer
from clika_core.schemes.scheme import QuantScheme


class HistogramObserver(Observer):
    """Keeps one histogram; a subclass chooses a range from it."""

    def __init__(self) -> None:
        """An observer that has seen nothing."""
        super().__init__()
        self._histogram: Histogram | None = None

    @abstractmethod
    def _choose_from(self, histogram: Histogram, scheme: QuantScheme) -> ValueRange:
        """The range for these values, which are not all the same; no wider than their limits and 0."""

    @final
    def _add(self, array: Any, arrays: ArrayOps, extent: Extent) -> None:
        self._take(Histogram.of(array, arrays, extent.min_value, extent.max_value))

    @final
    def _join(self, other: Self) -> None:
        if other._histogram is not None:
            self._take(other._histogram)

    @final
    def _own_json(self) -> list[int]:
        assert self._histogram is not None
        counts: list[int] = self._histogram.counts.tolist()
        return counts

    @final
    def _join_json(self, own: Any, extent: Extent) -> None:
        self._take(Histogram(extent.min_value, extent.max_value, np.array(own, np.int64)))

    @final
    def _choose(self, scheme: QuantScheme) -> ValueRange:
        assert self._histogram is not None  # there is an extent, so there is a histogram
        return self._choose_from(self._histogram, scheme)

    @final
    def _occupied(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        assert self._histogram is not None
        edges, is_hit = self._histogram.edges, self._histogram.counts > 0
        return edges[:-1][is_hit], edges[1:][is_hit]

    def _take(self, histogram: Histogram) -> None:
        self._histogram = histogram if self._histogram is None else self._histogram.merge(histogram)
