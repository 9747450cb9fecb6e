"""The range that keeps most of the distribution's information."""

from __future__ import annotations

from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from clika_core.numerics.quant_params import QuantParams
from clika_core.numerics.quantize import quantize
from clika_core.numerics.ranges import params_from_range
from clika_core.observers.extent import ValueRange
from clika_core.observers.histogram import Histogram
from clika_core.observers.histogram_observer import HistogramObserver
from clika_core.schemes.scheme import QuantScheme

_SHARES: Final = np.geomspace(1.0, 1 / 64, 97)  # of the limits: those tried
_MOST_CLIPPED: Final = (
    0.01  # of the values: what is left of a nearly empty range diverges little, and says less
)
_LEAST: Final = 1e-9  # probability of what the quantized distribution cannot show


@final
class EntropyObserver(HistogramObserver):
    """The range with the least Kullback-Leibler divergence of the quantized distribution from the real one.

    Both ends shrink together. For each range, P is the histogram inside it with the clipped values added to
    the outermost bins, and Q what is left of the unclipped values when only their codes are known: each
    code's share, spread evenly over its bins that are not empty (Migacz 2017). The bin from 0 on takes no
    part: 0 is exact in every range, and the many zeros behind a relu would outweigh everything. Ties go to
    the wider range.

    No range that clips over 1 % of the values is taken: the divergence knows no distances, and would cut
    off a second peak far out.
    """

    def _choose_from(self, histogram: Histogram, scheme: QuantScheme) -> ValueRange:
        edges = histogram.edges
        centres = (edges[:-1] + edges[1:]) / 2
        counts = np.where((edges[:-1] <= 0) & (edges[1:] > 0), 0, histogram.counts)
        limits = np.array([min(histogram.min_value, 0.0), max(histogram.max_value, 0.0)])
        ranges = [ValueRange(*(share * limits).tolist()) for share in _SHARES]
        losses = [_divergence(counts, centres, limit, scheme) for limit in ranges]
        return ranges[int(np.argmin(losses))]


def _divergence(
    counts: NDArray[np.int64], centres: NDArray[np.float64], limit: ValueRange, scheme: QuantScheme
) -> float:
    """KL(P || Q) in nats; infinite when `limit` clips too many of the values."""
    inside = (centres >= limit.min_value) & (centres <= limit.max_value)
    kept = counts[inside].astype(np.float64)
    if kept.sum() <= (1 - _MOST_CLIPPED) * counts.sum():
        return float(np.inf)
    params = params_from_range(limit.min_value, limit.max_value, scheme)
    real = kept.copy()
    real[0] += counts[centres < limit.min_value].sum()
    real[-1] += counts[centres > limit.max_value].sum()
    known = _spread_by_code(kept, real > 0, centres[inside], params)
    is_seen = real > 0
    p, q = real[is_seen] / real.sum(), np.maximum(known[is_seen] / kept.sum(), _LEAST)
    return float(np.sum(p * np.log(p / q)))


def _spread_by_code(
    kept: NDArray[np.float64], is_seen: NDArray[np.bool_], centres: NDArray[np.float64], params: QuantParams
) -> NDArray[np.float64]:
    """Each code's sum of `kept`, spread evenly over those of its bins that were seen."""
    _, code = np.unique(quantize(centres, params), return_inverse=True)
    total, bins = np.bincount(code, kept), np.bincount(code, is_seen)
    return np.asarray((total / np.maximum(bins, 1))[code])
