"""`CodeAgreement`: how many codes of two computations of one value are equal. Needs no runtime."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CodeAgreement:
    """Codes of one value compared: how many, how many differ, and by how much at the most."""

    compared: int = 0
    different: int = 0
    largest_difference: int = 0

    def merge(self, other: CodeAgreement) -> CodeAgreement:
        """Both comparisons together."""
        return CodeAgreement(
            self.compared + other.compared,
            self.different + other.different,
            max(self.largest_difference, other.largest_difference),
        )

    @property
    def share_equal(self) -> float:
        """The share of equal codes, 0 to 1; 1 where nothing was compared."""
        return 1.0 - self.different / self.compared if self.compared else 1.0
