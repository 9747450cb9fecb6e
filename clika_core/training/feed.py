"""`Feed`: training batches across epochs, with a position that can be saved and found again by replay.

The data's random draws come from a stream of their own, so that nothing else that draws can change the order of
batches. Given a dataset function that is deterministic under the restored random numbers, replaying the number
of batches drawn leads to the very next batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from clika_core.backend.workers import ALONE, Workers
from clika_core.errors import DataError
from clika_core.training.randomness import OwnStream, Randomness, RandomState

Batch = tuple[Any, Any]
MakeDataset = Callable[[], Iterable[Any]]


@dataclass(frozen=True)
class Position:
    """Where a feed stands: random numbers before the dataset was made, and batches drawn in each pass since.

    `is_open`: the last pass goes on; every other one was read to its end.
    """

    random_state: RandomState
    passes: tuple[int, ...] = ()
    is_open: bool = False


class Feed:
    """Batches of `(inputs, targets)` for one epoch after the other."""

    def __init__(
        self,
        make_dataset: MakeDataset,
        randomness: Randomness,
        position: Position,
        *,
        is_reset: bool = False,
        workers: Workers = ALONE,
    ) -> None:
        """Begin at `position`. `is_reset` makes the dataset anew before every epoch."""
        self._workers = workers
        self._make, self._is_reset = make_dataset, is_reset
        self._stream = OwnStream(randomness, position.random_state)
        self._start = position.random_state
        self._dataset: Iterable[Any] | None = None
        self._iterator: Iterator[Any] | None = None
        self._passes: list[int] = []
        self._replay(position)

    @property
    def position(self) -> Position:
        """Where the feed stands now."""
        return Position(self._start, tuple(self._passes), self._iterator is not None)

    @property
    def length(self) -> int | None:
        """Batches in one pass, None where the dataset does not tell."""
        self._open()
        try:
            return len(self._dataset)  # type: ignore[arg-type]
        except TypeError:
            return None

    @property
    def is_divided(self) -> bool:
        """Whether the dataset gives every worker batches of its own."""
        return self._workers.is_divided(self._dataset)

    def epoch(self, limit: int | None) -> Iterator[Batch]:
        """One whole pass; with `limit` that many batches, across passes, going on where the last epoch stopped.

        Raises DataError for a dataset without a batch, and for batches that are no `(inputs, targets)`.
        """
        if self._is_reset and self._passes:
            self._forget()
        count = ends = 0  # batches of this epoch, and ends of passes since the last of them
        while (limit is None or count < limit) and ends < 2:
            batch = self._next()
            if batch is not None:
                count, ends = count + 1, 0
                yield batch
            elif limit is None and count:
                break
            else:
                ends += 1
        if not count:
            raise DataError(
                "the training data has no batch",
                expected="init_training_dataset_fn returns an iterable of (inputs, targets)",
            )

    def _next(self) -> Batch | None:
        """The next batch of the present pass; None at its end."""
        self._open()
        with self._stream.active():
            if self._iterator is None:
                self._workers.begin_epoch(self._dataset, len(self._passes))
                self._iterator = iter(self._dataset)  # type: ignore[arg-type]
                self._passes.append(0)
            batch = next(self._iterator, None)
        if batch is None:
            self._iterator = None
            if isinstance(self._dataset, Iterator):  # it can be read once only
                self._forget()
            return None
        self._passes[-1] += 1
        return as_batch(batch)

    def _open(self) -> None:
        if self._dataset is None:
            self._start = self._stream.state
            with self._stream.active():
                self._dataset = _made(self._make)

    def _forget(self) -> None:
        self._dataset = self._iterator = None
        self._passes = []
        self._start = self._stream.state

    def _replay(self, position: Position) -> None:
        """Draw again what was drawn, without using it. Raises DataError where the data is another one."""
        for number, count in enumerate(position.passes, 1):
            drawn = sum(1 for _ in zip(range(count), iter(self._next, None), strict=False))
            is_ended = number < len(position.passes) or not position.is_open
            if drawn < count or (is_ended and self._next() is not None):
                raise DataError(
                    "the training data is not what it was when training stopped",
                    found=f"{'fewer' if drawn < count else 'more'} than {count} batches in pass {number}",
                    fix="resume with the dataset function that training began with",
                )


def as_batch(batch: Any) -> Batch:
    """`(inputs, targets)`. Raises DataError for anything else."""
    if isinstance(batch, tuple | list) and len(batch) == 2:
        return batch[0], batch[1]
    size = f" of {len(batch)}" if isinstance(batch, tuple | list | Mapping) else ""
    raise DataError(
        "a batch of the dataset is no pair",
        found=f"{type(batch).__name__}{size}",
        expected="(inputs, targets); inputs a tensor, tuple, list or dict by argument name",
        fix="let the dataset yield (inputs, targets); targets may be None",
    )


def _made(make: MakeDataset) -> Iterable[Any]:
    dataset = make()
    if not isinstance(dataset, Iterable):
        raise DataError(
            "the dataset function gave nothing that can be iterated",
            found=type(dataset).__name__,
            expected="an iterable of (inputs, targets)",
        )
    return dataset
