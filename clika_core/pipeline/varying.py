"""What data shows of sizes: an axis along which batches differ is free to change."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from clika_core.backend.dynamic_axes import DynamicAxes
from clika_core.backend.workers import ALONE, Workers
from clika_core.pipeline.data import Batches

LOOKED_AT: Final = 8
"""How many batches are looked at where they are made anew whenever they are read; others are all looked at."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """The batch to trace on, and the axes beside the first one along which batches differ."""

    example: Any
    axes: DynamicAxes


def shown_by(data: Batches, example: Any = None, workers: Workers = ALONE) -> Shown:
    """What batches in memory, and an example where one is given, show. Raises DataError for data without a batch.

    Without an example it is the first batch, or the first that is longer than 1 wherever batches differ. Of several
    workers each has batches of its own: all know what one of them saw. Data that is made anew whenever it is read
    gives its first batch; `shown_ahead` reads on, once it is known that the model can be used.
    """
    seen = list(data) if data.is_held else []
    first = data.first() if example is None else example
    axes = varying_axes([first, *seen])
    if workers.count > 1:
        axes = _seen_by_all(axes, workers)
    if example is None:
        first = next((batch for batch in seen if _is_long(batch, axes)), first)
    return Shown(first, axes)


def shown_ahead(data: Batches, example: Any) -> DynamicAxes:
    """The axes that batches show which `shown_by` did not look at."""
    return {} if data.is_held else varying_axes([example, *islice(data, LOOKED_AT)])


def varying_axes(batches: Iterable[Any]) -> dict[str | int, list[int]]:
    """Axes beside the first one whose size is not the same in all batches, by the inputs' names, else positions.

    >>> import numpy as np
    >>> varying_axes([{"ids": np.zeros((4, length), int)} for length in (7, 9)])
    {'ids': [1]}
    """
    seen: dict[str | int, tuple[int, ...]] = {}
    found: dict[str | int, set[int]] = {}
    for batch in batches:
        for key, shape in _shapes(batch):
            before = seen.setdefault(key, shape)
            if len(before) == len(shape):
                differing = {axis for axis in range(1, len(shape)) if before[axis] != shape[axis]}
                found.setdefault(key, set()).update(differing)
    return {key: sorted(axes) for key, axes in found.items() if axes}


def _seen_by_all(axes: DynamicAxes, workers: Workers) -> dict[str | int, list[int]]:
    """The axes that any of the workers saw."""
    merged: dict[str | int, set[int]] = {}
    for seen in workers.told([[key, list(own)] for key, own in axes.items()]):
        for key, own in seen:
            merged.setdefault(key, set()).update(own)
    return {key: sorted(own) for key, own in merged.items()}


def _is_long(batch: Any, axes: DynamicAxes) -> bool:
    return all(shape[axis] > 1 for key, shape in _shapes(batch) for axis in axes.get(key, ()))


def _shapes(batch: Any) -> Iterator[tuple[str | int, tuple[int, ...]]]:
    """The shape of every array, by its path where the batch has names, else by its position among the arrays."""
    leaves = list(_leaves(batch, ""))
    is_named = isinstance(batch, Mapping)
    for position, (path, leaf) in enumerate(leaves):
        yield path if is_named else position, tuple(map(int, leaf.shape))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if hasattr(value, "shape"):
        yield path, value
        return
    if isinstance(value, Mapping):
        items: Iterable[tuple[Any, Any]] = value.items()
    elif isinstance(value, list | tuple):
        items = zip(getattr(value, "_fields", range(len(value))), value, strict=True)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        items = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
    else:
        return
    for key, item in items:
        yield from _leaves(item, f"{path}.{key}" if path else str(key))
