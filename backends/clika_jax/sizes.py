"""`Size`: a number that depends on the batch. A trace is made twice, on two batches, and compared.

What differs between the two traces is linear in the batch: `[batch, 64]`, a window's `2*batch`, the count that a
mean divides by. Running a trace puts the real batch in. So a program traced once runs on any batch, also on one
that is itself symbolic (`jax.export`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from clika_core.ir.graph import AttributeValue
from clika_core.ir.recording import SymbolicSize

SYMBOL: Final = "batch"


class SizeMismatchError(Exception):
    """Two traces differ in more than sizes: the program depends on the batch."""


@dataclass(frozen=True, slots=True)
class Size:
    """slope · batch + offset."""

    slope: Any
    offset: Any

    def at(self, batch: Any) -> Any:
        """The number for one batch; `batch` may be symbolic."""
        return self.slope * batch + self.offset

    def __add__(self, other: Any) -> Any:
        """Sums of sizes are sizes."""
        if isinstance(other, Size):
            return _size(self.slope + other.slope, self.offset + other.offset)
        return Size(self.slope, self.offset + other)

    def __radd__(self, other: Any) -> Any:
        """As `__add__`."""
        return self + other

    def __mul__(self, other: Any) -> Any:
        """A size times a number."""
        if isinstance(other, Size):
            raise SizeMismatchError("a size that is no multiple of the batch")
        return _size(self.slope * other, self.offset * other)

    def __rmul__(self, other: Any) -> Any:
        """As `__mul__`."""
        return self * other

    def __str__(self) -> str:
        """`batch`, `2*batch`, `2*batch + 1`."""
        product = SYMBOL if self.slope == 1 else f"{self.slope}*{SYMBOL}"
        return f"{product} + {self.offset}" if self.offset else product


def _size(slope: Any, offset: Any) -> Any:
    return Size(slope, offset) if slope else offset


def merge(first: Any, second: Any, batch: int) -> Any:
    """`first` with a `Size` wherever a number differs from `second`, seen with one sample more than `batch`.

    Raises SizeMismatchError where something else than a number differs.
    """
    if _is_number(first) and _is_number(second):
        slope = second - first
        return first if slope == 0 else Size(slope, first - slope * batch)
    if type(first) is not type(second):
        raise SizeMismatchError(f"{first!r} and {second!r}")
    if isinstance(first, Mapping):
        return {key: merge(first[key], second[key], batch) for key in first}
    if isinstance(first, tuple | list):
        if len(first) != len(second):
            raise SizeMismatchError(f"{first!r} and {second!r}")
        parts = [merge(a, b, batch) for a, b in zip(first, second, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else type(first)(parts)
    if hasattr(first, "eqns") or hasattr(first, "jaxpr"):
        return _same_text(first, second)
    return first


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _same_text(first: Any, second: Any) -> Any:
    """An inner program, which cannot be run on another batch unless it is the same for all."""
    if str(first) != str(second):
        raise SizeMismatchError("an inner program whose sizes depend on the batch")
    return first


def has_size(value: Any) -> bool:
    """Whether a number inside depends on the batch."""
    if isinstance(value, Mapping):
        return any(map(has_size, value.values()))
    if isinstance(value, tuple | list):
        return any(map(has_size, value))
    return isinstance(value, Size)


def resolve(value: Any, batch: Any) -> Any:
    """`value` with every `Size` at one batch."""
    if isinstance(value, Size):
        return value.at(batch)
    if isinstance(value, Mapping):
        return {key: resolve(item, batch) for key, item in value.items()}
    if isinstance(value, tuple | list) and has_size(value):
        parts = [resolve(item, batch) for item in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


def symbolic(value: Any) -> AttributeValue:
    """As attributes hold it: tuples, numbers of Python, `SymbolicSize`."""
    if isinstance(value, Size):
        return SymbolicSize(str(value))
    if isinstance(value, tuple | list):
        return tuple(map(symbolic, value))
    if isinstance(value, np.floating) or getattr(getattr(value, "dtype", None), "name", "") == "bfloat16":
        return float(str(value))  # 1e-05, which float32 holds as 9.99999974e-06
    plain: AttributeValue = value.item() if isinstance(value, np.generic) else value
    return plain
