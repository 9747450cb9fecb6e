"""Sums of squares from which QS follows: they merge across batches and workers."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from clika_core.numerics import relative_l2, sqnr_db


@dataclass(frozen=True, slots=True)
class SquaredSums:
    """Sums over all samples seen, in float64: of (Q - F)**2, and of F**2."""

    error: float = 0.0
    reference: float = 0.0

    def merge(self, other: SquaredSums) -> SquaredSums:
        """The sums over both sets of samples."""
        return SquaredSums(self.error + other.error, self.reference + other.reference)

    @property
    def measurement(self) -> Measurement:
        """QS = ||Q - F||2 / ||F||2, one root of the ratio; its dB; and ||Q - F||2."""
        qs = relative_l2(self.error, self.reference)
        return Measurement(qs, sqrt(self.error), sqnr_db(qs))


@dataclass(frozen=True, slots=True)
class Measurement:
    """What is known of one group: relative `qs`, absolute `abs_l2`, and `sqnr_db = -20 log10(qs)`."""

    qs: float
    abs_l2: float
    sqnr_db: float
