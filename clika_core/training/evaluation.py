"""One pass over evaluation data: means of losses, and metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from clika_core.backend.workers import ALONE, Workers
from clika_core.errors import DataError
from clika_core.training.feed import MakeDataset, as_batch
from clika_core.training.losses import TOTAL, Loss, as_number, named_losses
from clika_core.training.metrics import Means, Metrics
from clika_core.training.randomness import OwnStream, Randomness, RandomState
from clika_core.training.share import Share, share_of

Evaluate = Callable[[Any], Any]


class Evaluation:
    """Evaluates any model on the same data: random draws begin at the same place every time."""

    def __init__(
        self,
        make_dataset: MakeDataset,
        losses: Mapping[str, Loss],
        metrics: Mapping[str, Any],
        *,
        randomness: Randomness,
        random_state: RandomState,
        limit: int | None = None,
        is_reset: bool = True,
        workers: Workers = ALONE,
    ) -> None:
        """`limit`: batches of one evaluation, None for all. `is_reset`: the dataset is made anew each time.

        Each of several workers evaluates its share of every batch; the values are those over all of them.
        """
        self._workers = workers
        self._make, self._losses, self._metrics = make_dataset, losses, metrics
        self._randomness, self._random_state = randomness, random_state
        self._limit, self._is_reset = limit, is_reset
        self._dataset: Iterable[Any] | None = None
        self.loss_names: set[str] = set()  # as they came up

    def __call__(self, model: Evaluate, place: Callable[[Any], Any]) -> dict[str, float]:
        """Losses, their total and metrics by name. `model` maps inputs to outputs, `place` moves targets to them."""
        means, metrics, count = Means(), Metrics(self._metrics), 0
        with OwnStream(self._randomness, self._random_state).active():
            for share in map(self._share, islice(self._data(), self._limit)):
                count += 1
                if share.size:
                    outputs, targets = model(share.inputs), place(share.targets)
                    means.add(self._values(outputs, targets), share.size)
                    metrics.update(outputs, targets, share.size)
        if not count:
            raise DataError("the evaluation data has no batch", expected="(inputs, targets) at least once")
        return {**means.values(self._workers), **metrics.compute(self._workers)}

    def _values(self, outputs: Any, targets: Any) -> dict[str, float]:
        """Losses by name, and their total where there are some."""
        found = named_losses(self._losses, outputs, targets)
        values = {name: as_number(name, value) for name, value in found.items()}
        self.loss_names.update(values)
        return {**values, TOTAL: sum(values.values())} if values else {}

    def _share(self, batch: Any) -> Share:
        is_divided = self._workers.is_divided(self._dataset)
        return share_of(*as_batch(batch), self._workers, is_divided=is_divided)

    def _data(self) -> Iterable[Any]:
        if self._dataset is None or self._is_reset or isinstance(self._dataset, Iterator):
            self._dataset = self._make()
        return self._dataset
