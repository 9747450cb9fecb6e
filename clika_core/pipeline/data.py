"""Batches: from arrays or an iterable to what a model takes, again and again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from clika_core.backend.interface import Array, TracedModel
from clika_core.errors import DataError

BATCH_SIZE = 32


class Batches:
    """Data that can be iterated more than once, in the same order.

    `source` is an array, or a dict of arrays by argument name, whose first axis is the sample, cut into batches
    of `batch_size`; or an iterable of batches as the model takes them. An iterator is read once and kept.
    """

    def __init__(self, source: Any, *, batch_size: int = BATCH_SIZE, limit: int | None = None) -> None:
        """`limit` is the number of batches to use, None for all."""
        self._source = _repeatable(source, batch_size)
        self._limit = limit

    def __iter__(self) -> Iterator[Any]:
        """The batches, as the model takes them."""
        return islice(iter(self._source), self._limit)

    @property
    def is_held(self) -> bool:
        """Whether the batches are all in memory, so that reading them costs nothing."""
        return isinstance(self._source, Sequence)

    @property
    def length(self) -> int | None:
        """The number of batches, None where it is not known before they are read."""
        if not isinstance(self._source, Sequence):
            return self._limit
        return len(self._source) if self._limit is None else min(len(self._source), self._limit)

    def first(self) -> Any:
        """The first batch. Raises DataError where there is none."""
        for batch in self:
            return batch
        raise DataError("the data has no batch", expected="at least one batch of inputs")

    def native(self, model: TracedModel) -> Iterator[tuple[Array, ...]]:
        """The batches as native arrays beside the graph's inputs."""
        return (model.flatten_inputs(batch) for batch in self)


def starts_of_batches(arrays: Mapping[str, Any], batch_size: int) -> range:
    """Where each batch begins in arrays whose first axis is the sample. Raises DataError where they do not fit."""
    if batch_size < 1:
        raise DataError("a batch needs at least one sample", found=f"batch_size {batch_size}")
    sizes = {name: len(array) for name, array in arrays.items()}
    if len(set(sizes.values())) > 1:
        raise DataError("the arrays have different numbers of samples", found=str(sizes))
    return range(0, next(iter(sizes.values()), 0), batch_size)


def _repeatable(source: Any, batch_size: int) -> Iterable[Any]:
    if isinstance(source, str | bytes | Path):
        raise DataError(
            "calibration data is given as arrays, not by name",
            found=repr(source),
            fix="load it first: numpy.load(path)",
        )
    if isinstance(source, Mapping):
        arrays = {name: np.asarray(array) for name, array in source.items()}
        return [
            {name: array[start : start + batch_size] for name, array in arrays.items()}
            for start in starts_of_batches(arrays, batch_size)
        ]
    if hasattr(source, "shape"):
        starts = starts_of_batches({"inputs": source}, batch_size)
        return [source[start : start + batch_size] for start in starts]
    if isinstance(source, Sequence):
        return source
    if isinstance(source, Iterator):
        return list(source)
    if isinstance(source, Iterable):
        return source
    raise DataError(
        "this is no calibration data",
        found=type(source).__name__,
        expected="an array, a dict of arrays, or an iterable of batches as the model takes them",
    )
