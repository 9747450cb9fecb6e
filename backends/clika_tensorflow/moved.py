"""Shapes behind a movement."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from clika_core.ir.graph import Value
from clika_tensorflow.operators import Move


def moved_value(value: Value, move: Move) -> Value:
    """What a value is behind a permute, reshape, slice, select or unsqueeze."""
    return replace(value, shape=_moved(value.shape, move), example_shape=_moved(value.example_shape, move))


def _moved(shape: tuple[Any, ...], move: Move) -> tuple[Any, ...]:
    attributes: Any = move.attributes
    if move.type == "permute":
        return tuple(shape[axis] for axis in attributes["axes"])
    if move.type == "reshape":
        known = [size for size in attributes["shape"] if size != -1]
        total = 1
        for size in shape:
            total *= size
        for size in known:
            total //= size
        return tuple(total if size == -1 else size for size in attributes["shape"])
    if move.type == "unsqueeze":
        (axis,) = attributes["axes"]
        return (*shape[:axis], 1, *shape[axis:])
    axis = attributes["axis"]
    if move.type == "select":
        return (*shape[:axis], *shape[axis + 1 :])
    count = len(range(attributes["start"], attributes["end"], attributes["step"]))
    return (*shape[:axis], count, *shape[axis + 1 :])
