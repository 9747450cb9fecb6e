"""`Observer`: statistics of one value of the graph over the calibration data, and the range they lead to.

    observer = OBSERVERS["mse"]()
    for index, batch in enumerate(batches):
        observer.observe(values, arrays, layer="conv_1", batch=index, num_samples=len(batch))
    params = observer.params(scheme)

Statistics merge: whatever the order of the batches and the way the data is split into them, or over
workers, the result is the same to the last bit. Their size does not grow with the data.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from clika_core.errors import DataError, NumericsError
from clika_core.numerics.quant_params import QuantParams
from clika_core.numerics.ranges import params_from_range
from clika_core.observers.array_ops import ArrayOps
from clika_core.observers.codes_used import share_of_codes
from clika_core.observers.extent import CalibrationSummary, Extent, ValueRange
from clika_core.schemes.granularity import PerTensor
from clika_core.schemes.scheme import QuantScheme


class Observer(ABC):
    """Base of all observers. A subclass adds its statistics and how they become a range; nothing else.

    Implement the four abstract methods; they are only called with finite values. Statistics of its own also need
    `_own_json` and `_join_json`, which take them to other workers. Everything final here keeps the limits, the
    number of samples and the checks.
    """

    def __init__(self) -> None:
        """An observer that has seen nothing."""
        self._extent = Extent()
        self._non_finite = 0

    @final
    def observe(self, array: Any, arrays: ArrayOps, *, layer: str, batch: int, num_samples: int) -> None:
        """Take in one batch of a value: `array` is native, floating point, with at least one element.

        Raises `DataError` naming `layer` and `batch` when it holds NaN or an infinity.
        """
        low, high = arrays.min_max(array)
        if not (np.isfinite(low) and np.isfinite(high)):
            self._refuse(np.asarray(arrays.to_numpy(array)), layer, batch)
        extent = Extent().merge(Extent(num_samples, low, high))
        self._extent = self._extent.merge(extent)
        self._add(array, arrays, extent)

    @final
    def merge(self, other: Self) -> None:
        """Take in what another observer of the same kind has seen. Exact; the order does not matter."""
        if type(other) is not type(self):
            raise NumericsError(
                "only observers of one kind merge",
                found=f"{type(self).__name__} and {type(other).__name__}",
                expected=f"two {type(self).__name__}",
                fix="use the same observer for a value in every worker",
            )
        self._extent = self._extent.merge(other._extent)
        self._non_finite += other._non_finite
        if not other._extent.is_empty:
            self._join(other)

    @final
    def to_json(self) -> dict[str, Any]:
        """What was seen, as plain JSON, to the last bit: how statistics get to other processes."""
        extent = self._extent
        return {
            "extent": [extent.num_samples, extent.min_value, extent.max_value],
            "non_finite": self._non_finite,
            "own": None if extent.is_empty else self._own_json(),
        }

    @final
    def merge_json(self, data: Mapping[str, Any]) -> None:
        """Take in what an observer of the same kind gave as JSON."""
        extent = Extent(*data["extent"])
        self._extent = self._extent.merge(extent)
        self._non_finite += data["non_finite"]
        if not extent.is_empty:
            self._join_json(data["own"], extent)

    @final
    def params(self, scheme: QuantScheme) -> QuantParams:
        """The quantization parameters for what was seen; `scheme` is per tensor.

        Raises `DataError` when nothing was seen.
        """
        chosen = self.value_range(scheme)
        return params_from_range(chosen.min_value, chosen.max_value, scheme)

    @final
    def value_range(self, scheme: QuantScheme) -> ValueRange:
        """The range to cover, no wider than what was seen and 0. Raises `DataError` when nothing was seen."""
        if not isinstance(scheme.granularity, PerTensor):
            raise NumericsError(
                "observers give one range for a whole value",
                found=str(scheme),
                expected="a scheme per tensor",
                fix="use weight_params for weights; activations are quantized per tensor",
            )
        if self._extent.is_empty:
            raise DataError(
                "a value was never seen during calibration",
                found="0 batches",
                expected="at least one",
                fix="give calibration data that reaches every layer",
            )
        return self._extent.value_range if self._extent.is_constant else self._choose(scheme)

    @final
    def share_of_codes_used(self, params: QuantParams) -> float:
        """The share of the codes that what was seen can reach, 0 to 1; 0 when nothing was seen."""
        return 0.0 if self._extent.is_empty else share_of_codes(*self._occupied(), params)

    @final
    def summary(self) -> CalibrationSummary:
        """Samples, limits, constancy, and how many values were not finite."""
        extent = self._extent
        low, high = (None, None) if extent.is_empty else (extent.min_value, extent.max_value)
        return CalibrationSummary(extent.num_samples, low, high, extent.is_constant, self._non_finite)

    @final
    @property
    def extent(self) -> Extent:
        """The exact limits of what was seen."""
        return self._extent

    @abstractmethod
    def _add(self, array: Any, arrays: ArrayOps, extent: Extent) -> None:
        """Take in a batch of finite values with these limits; `self.extent` holds them already."""

    @abstractmethod
    def _join(self, other: Self) -> None:
        """Take in the statistics of an observer that has seen something."""

    def _own_json(self) -> Any:
        """The statistics that a subclass adds, as plain JSON; here none."""
        return None

    def _join_json(self, own: Any, extent: Extent) -> None:
        """Take in what `_own_json` gave, of values with these limits."""
        return

    @abstractmethod
    def _choose(self, scheme: QuantScheme) -> ValueRange:
        """The range for values that are not all the same; no wider than `self.extent` and 0."""

    @abstractmethod
    def _occupied(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lower and upper limits of intervals that together hold every value seen."""

    def _refuse(self, values: NDArray[Any], layer: str, batch: int) -> None:
        nan = int(np.isnan(values).sum())
        infinite = int(np.isinf(values).sum())
        self._non_finite += nan + infinite
        raise DataError(
            f"calibration batch {batch} makes {layer} compute values that are not finite",
            found=f"{nan} NaN and {infinite} infinite of {values.size} values",
            expected="finite values",
            fix=f"look at the inputs in batch {batch} (counted from 0), and at the layers before {layer}",
        )
