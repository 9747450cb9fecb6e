"""Inputs as users give them: one array, a tuple or list in order, or a dict by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.errors import DataError


@dataclass(frozen=True, slots=True)
class Input:
    """An argument: a string in `shape` is a size that is free to change, the same wherever it occurs."""

    name: str
    shape: tuple[int | str, ...]
    dtype: str


def take(inputs: Mapping[str, Input], given: Any) -> dict[str, NDArray[Any]]:
    """The arrays by name. Raises DataError naming the input whose shape or dtype does not fit."""
    named = _by_name(list(inputs), given)
    if set(named) != set(inputs):
        raise DataError(
            "these are not the inputs of the model",
            found=", ".join(map(str, named)) or "none",
            expected=", ".join(inputs),
            fix="give a tuple in the order of the inputs, or a dict by their names",
        )
    sizes: dict[str, int] = {}
    return {name: _fitting(entry, np.asarray(named[name]), sizes) for name, entry in inputs.items()}


def _by_name(names: Sequence[str], given: Any) -> dict[str, Any]:
    if isinstance(given, Mapping):
        return dict(given)
    values = list(given) if isinstance(given, tuple | list) else [given]
    extra = [f"argument {position}" for position in range(len(names), len(values))]
    return dict(zip([*names, *extra], values, strict=False))


def _fitting(entry: Input, array: NDArray[Any], sizes: dict[str, int]) -> NDArray[Any]:
    if str(array.dtype) != entry.dtype:
        raise DataError(
            f"input {entry.name!r} has another dtype than the model declares",
            found=str(array.dtype),
            expected=entry.dtype,
            fix=f"convert it: .astype('{entry.dtype}')",
        )
    fits = len(array.shape) == len(entry.shape) and all(
        sizes.setdefault(wanted, size) == size if isinstance(wanted, str) else wanted == size
        for size, wanted in zip(array.shape, entry.shape, strict=True)
    )
    if not fits:
        raise DataError(
            f"input {entry.name!r} has a shape that the model does not take",
            found=str(list(array.shape)),
            expected=f"[{', '.join(map(str, entry.shape))}]",
            fix="check the order of the axes",
        )
    return array
