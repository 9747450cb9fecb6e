"""Calibration statistics: what was seen of each value, and the range to quantize it with.

Imports `clika_core.numerics` and below. Start reading at `observer`; `histogram` is the statistic that most
observers share, `array_ops` what they ask of a backend's arrays, `registry` the table of those that exist.
"""

from clika_core.observers.array_ops import ArrayOps
from clika_core.observers.extent import CalibrationSummary, Extent, ValueRange
from clika_core.observers.numpy_arrays import NumpyArrays
from clika_core.observers.observer import Observer
from clika_core.observers.registry import DEFAULT_OBSERVER, OBSERVERS

__all__ = [
    "DEFAULT_OBSERVER",
    "OBSERVERS",
    "ArrayOps",
    "CalibrationSummary",
    "Extent",
    "NumpyArrays",
    "Observer",
    "ValueRange",
]
