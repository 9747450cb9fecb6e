"""Shares: which part of every batch is whose, where several workers train together.

Every worker draws the same batches and takes some of the samples, so that any number of workers sees the same global
batches in the same order, and a training may go on with another number. A dataset that is divided already, as with
torch's `DistributedSampler`, is taken as it comes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from clika_core.backend.workers import Workers


@dataclass(frozen=True)
class Share:
    """This worker's part of a batch: `size` samples, which may be none; then one sample stands in, with weight 0.

    `weight` is what a mean over these samples counts for in the mean of all workers' means:
    `size * count / (samples of the whole batch)`; 1 where all have as many.
    """

    inputs: Any
    targets: Any
    size: int
    weight: float = 1.0


def share_of(inputs: Any, targets: Any, workers: Workers, *, is_divided: bool = False) -> Share:
    """Contiguous samples of a batch, in the order of the workers; the first ones get one more where it is uneven."""
    size = num_samples(inputs)
    if workers.count == 1 or is_divided:
        return Share(inputs, targets, size)
    least, more = divmod(size, workers.count)
    own = least + (workers.rank < more)
    start = least * workers.rank + min(workers.rank, more)
    part = slice(start, start + own) if own else slice(0, 1)
    weight = own * workers.count / size if size else 1.0
    return Share(_taken(inputs, size, part), _taken(targets, size, part), own, weight)


def num_samples(inputs: Any) -> int:
    """The first axis of the first array in nested inputs that has one; 1 where there is none."""
    return next(_first_axes(inputs), 1)


def _first_axes(value: Any) -> Iterator[int]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _first_axes(item)
    elif len(getattr(value, "shape", ())):
        yield int(value.shape[0])


def _taken(value: Any, size: int, part: slice) -> Any:
    """Arrays whose first axis is the sample, cut; a list with an entry per sample too; all else as it is."""
    if isinstance(value, Mapping):
        return {key: _taken(item, size, part) for key, item in value.items()}
    if isinstance(value, list | tuple):
        if len(value) == size and not any(_has_samples(item, size) for item in value):
            return value[part]
        taken = [_taken(item, size, part) for item in value]
        return type(value)(*taken) if hasattr(value, "_fields") else type(value)(taken)
    return value[part] if _has_samples(value, size) else value


def _has_samples(value: Any, size: int) -> bool:
    shape: Any = getattr(value, "shape", ())
    return len(shape) > 0 and shape[0] == size
