"""Leave out a fixed share of the values on either side."""

from __future__ import annotations

import math
from typing import Final, final

import numpy as np

from clika_core.errors import NumericsError
from clika_core.observers.extent import ValueRange
from clika_core.observers.histogram import Histogram
from clika_core.observers.histogram_observer import HistogramObserver
from clika_core.schemes.scheme import QuantScheme

DEFAULT_PERCENTILE: Final = 99.99


@final
class PercentileObserver(HistogramObserver):
    """The narrowest range, in whole bins, that holds at least `percentile` % of the values from either side.

    At most 100 - percentile % of the values lie above it, and at most as many below.
    """

    def __init__(self, percentile: float = DEFAULT_PERCENTILE) -> None:
        """`percentile` is over 50 and at most 100; else `NumericsError`."""
        super().__init__()
        if not 50 < percentile <= 100:
            raise NumericsError(
                "this percentile leaves nothing",
                found=f"{percentile}",
                expected="over 50 and at most 100",
                fix=f"use a percentile near {DEFAULT_PERCENTILE}",
            )
        self._percentile = percentile

    def _choose_from(self, histogram: Histogram, scheme: QuantScheme) -> ValueRange:
        cumulated = np.cumsum(histogram.counts)
        total = int(cumulated[-1])
        needed = math.ceil(total * (self._percentile / 100))
        last = int(np.searchsorted(cumulated, needed))
        first = int(np.searchsorted(cumulated, total - needed, side="right"))
        edges = histogram.edges
        return ValueRange(float(edges[first]), float(edges[last + 1]))
