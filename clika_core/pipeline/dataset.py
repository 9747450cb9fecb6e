"""`Dataset`: batches of inputs with their targets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clika_core.errors import DataError
from clika_core.pipeline.data import BATCH_SIZE, starts_of_batches
from clika_core.pipeline.npz import read_npz

_FORMS = "(inputs, targets), a dict of inputs by argument name, or one array"


@dataclass(frozen=True, slots=True, eq=False)
class LabelledBatch:
    """`inputs` as the model takes them; `targets` is None where there are none."""

    inputs: Any
    targets: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """`name` is how reports call it; `read` starts an iteration over the batches; `length` is their number if known.

    >>> import numpy as np
    >>> data = Dataset.of_arrays(np.zeros((70, 3)), np.zeros(70, int), batch_size=32)
    >>> [len(batch.inputs) for batch in data.read()]
    [32, 32, 6]
    """

    name: str
    read: Callable[[], Iterator[LabelledBatch]]
    length: int | None = None

    @classmethod
    def of_arrays(
        cls, inputs: Any, targets: Any = None, *, batch_size: int = BATCH_SIZE, name: str = "arrays"
    ) -> Dataset:
        """Cut an array, or a dict of arrays by argument name, whose first axis is the sample, and its targets.

        Raises DataError where their numbers of samples differ.
        """
        named = dict(inputs) if isinstance(inputs, Mapping) else {"inputs": inputs}
        answers = {} if targets is None else {"the targets": targets}
        starts = starts_of_batches({**named, **answers}, batch_size)

        def cut(start: int) -> LabelledBatch:
            part = slice(start, start + batch_size)
            parts = {argument: array[part] for argument, array in named.items()}
            return LabelledBatch(
                parts if isinstance(inputs, Mapping) else parts["inputs"],
                None if targets is None else targets[part],
            )

        return cls(name, lambda: map(cut, starts), len(starts))

    @classmethod
    def of_npz(cls, path: Path, *, batch_size: int = BATCH_SIZE) -> Dataset:
        """The arrays of an `.npz` file; see `clika_core.pipeline.npz`. Raises DataError."""
        inputs, targets = read_npz(path)
        return cls.of_arrays(inputs, targets, batch_size=batch_size, name=path.name)

    @classmethod
    def of_batches(cls, batches: Any, *, batch_size: int = BATCH_SIZE, name: str = "batches") -> Dataset:
        """What a dataset function returns: an iterable of `(inputs, targets)`, of dicts, or of arrays; or arrays.

        A tuple is always inputs and targets, so that nothing has to be guessed. Raises DataError.
        """
        if isinstance(batches, Dataset):
            return batches
        if hasattr(batches, "shape") or isinstance(batches, Mapping):
            return cls.of_arrays(batches, batch_size=batch_size, name=name)
        if isinstance(batches, tuple) and len(batches) == 2 and all(hasattr(x, "shape") for x in batches):
            return cls.of_arrays(*batches, batch_size=batch_size, name=name)
        if not isinstance(batches, Iterable) or isinstance(batches, str | bytes):
            raise DataError(
                f"{name} gives no data",
                found=type(batches).__name__,
                expected=f"an iterable of batches, each {_FORMS}",
            )
        length = len(batches) if isinstance(batches, Sequence) else None
        return cls(name, lambda: map(_labelled, batches), length)


def _labelled(batch: Any) -> LabelledBatch:
    if isinstance(batch, LabelledBatch):
        return batch
    if isinstance(batch, tuple | list):
        if len(batch) != 2:
            raise DataError(
                "a batch of the data cannot be taken apart",
                found=f"a {type(batch).__name__} of {len(batch)}",
                expected=_FORMS,
                fix="put several inputs into a dict by the names of the model's arguments",
            )
        return LabelledBatch(batch[0], batch[1])
    return LabelledBatch(batch)
