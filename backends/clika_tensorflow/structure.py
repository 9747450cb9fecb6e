"""Nested values taken apart: the arrays in it by path, and how to put others in their places.

Dicts, lists, tuples, named tuples and dataclasses are opened; everything that is no array is part of the structure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf


def is_array(value: Any) -> bool:
    """Whether `value` is a leaf: a tensor, a variable, or a NumPy array."""
    return tf.is_tensor(value) or isinstance(value, np.ndarray | np.generic)


@dataclass(frozen=True, slots=True)
class Flat:
    """Leaves and constants by path, in order; `build` puts leaves back into the structure.

    A leaf that is the whole value has the path `""`.
    """

    leaves: Mapping[str, Any]
    constants: Mapping[str, Any]
    make: Callable[[Iterator[Any]], Any]

    def build(self, leaves: Sequence[Any]) -> Any:
        """The value with other leaves, given in order."""
        return self.make(iter(leaves))

    def without_arrays(self) -> Flat:
        """The same paths and structure, with None for every leaf: what may be kept for long."""
        return Flat(dict.fromkeys(self.leaves), self.constants, self.make)


def flatten(value: Any) -> Flat:
    """Take `value` apart."""
    leaves: dict[str, Any] = {}
    constants: dict[str, Any] = {}
    return Flat(leaves, constants, _take_apart(value, "", leaves, constants))


def _take_apart(
    value: Any, path: str, leaves: dict[str, Any], constants: dict[str, Any]
) -> Callable[[Iterator[Any]], Any]:
    if is_array(value):
        leaves[path] = value
        return next
    opened = _open(value)
    if opened is None:
        constants[path] = value
        return lambda _: value
    items, make = opened
    parts = [
        _take_apart(child, f"{path}.{key}" if path else str(key), leaves, constants) for key, child in items
    ]
    return lambda waiting: make([part(waiting) for part in parts])


def _open(value: Any) -> tuple[list[tuple[Any, Any]], Callable[[list[Any]], Any]] | None:
    """The items of a container with their keys, and how to make one again; None for anything else."""
    kind = type(value)
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        return list(zip(kind._fields, value, strict=True)), lambda parts: kind(*parts)
    if is_dataclass(value) and not isinstance(value, type):
        names = tuple(field.name for field in fields(value) if field.init)
        return [(name, getattr(value, name)) for name in names], partial(_make_with, kind, names)
    if isinstance(value, Mapping):
        return list(value.items()), partial(_make_dict, tuple(value))
    if isinstance(value, list | tuple):
        return list(enumerate(value)), list if isinstance(value, list) else tuple
    return None


def _make_dict(keys: tuple[Any, ...], parts: list[Any]) -> dict[Any, Any]:
    return dict(zip(keys, parts, strict=True))


def _make_with(kind: type[Any], names: tuple[str, ...], parts: list[Any]) -> Any:
    return kind(**dict(zip(names, parts, strict=True)))
