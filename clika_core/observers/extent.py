"""The smallest and largest value seen, and over how many samples."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ValueRange:
    """Real limits, both included: min_value <= max_value."""

    min_value: float
    max_value: float

    @property
    def width(self) -> float:
        """max_value - min_value."""
        return self.max_value - self.min_value


@dataclass(frozen=True, slots=True)
class Extent:
    """Exact limits of the values seen; `min_value > max_value` means that none was.

    Merging is exact, associative and commutative.
    """

    num_samples: int = 0
    min_value: float = math.inf
    max_value: float = -math.inf

    def merge(self, other: Extent) -> Extent:
        """The extent of both together. -0.0 counts as 0.0, so that the order cannot be seen."""
        return Extent(
            self.num_samples + other.num_samples,
            min(self.min_value, other.min_value) + 0.0,
            max(self.max_value, other.max_value) + 0.0,
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing was seen."""
        return self.min_value > self.max_value

    @property
    def is_constant(self) -> bool:
        """Whether every value seen was the same."""
        return self.min_value == self.max_value

    @property
    def value_range(self) -> ValueRange:
        """The limits as a range; only of an extent that is not empty."""
        return ValueRange(self.min_value, self.max_value)


@dataclass(frozen=True, slots=True)
class CalibrationSummary:
    """What the report says about the values of one layer."""

    samples: int
    min_value: float | None  # None: nothing was seen
    max_value: float | None
    is_constant: bool
    non_finite: int

    def to_json(self) -> dict[str, int | float | bool | None]:
        """The members of the report: samples, min, max, constant, non_finite."""
        return {
            "samples": self.samples,
            "min": self.min_value,
            "max": self.max_value,
            "constant": self.is_constant,
            "non_finite": self.non_finite,
        }
