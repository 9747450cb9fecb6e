"""One pass over evaluation data: means of losses, and metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from clika_core.errors import DataError
from clika_core.training.feed import MakeDataset, as_batch
from clika_core.training.losses import TOTAL, Loss, as_number, named_losses
from clika_core.training.metrics import Means, Metrics, num_samples
from clika_core.training.randomness import OwnStream, Randomness, RandomState

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
    ) -> None:
        """`limit`: batches of one evaluation, None for all. `is_reset`: the dataset is made anew each time."""
        self._make, self._losses, self._metrics = make_dataset, losses, metrics
        self._randomness, self._random_state = randomness, random_state
        self._limit, self._is_reset = limit, is_reset
        self._dataset: Iterable[Any] | None = None
        self.loss_names: set[str] = set()  # as they came up

    def __call__(self, model: Evaluate, place: Callable[[Any], Any]) -> dict[str, float]:
        """Losses, their total and metrics by name. `model` maps inputs to outputs, `place` moves targets to them."""
        means, metrics, count = Means(), Metrics(self._metrics), 0
        with OwnStream(self._randomness, self._random_state).active():
            for inputs, targets in map(as_batch, islice(self._data(), self._limit)):
                size, outputs, count = num_samples(inputs), model(inputs), count + 1
                targets = place(targets)
                found = named_losses(self._losses, outputs, targets)
                values = {name: as_number(name, value) for name, value in found.items()}
                self.loss_names.update(values)
                means.add({**values, TOTAL: sum(values.values())} if values else {}, size)
                metrics.update(outputs, targets, size)
        if not count:
            raise DataError("the evaluation data has no batch", expected="(inputs, targets) at least once")
        return {**means.values(), **metrics.compute()}

    def _data(self) -> Iterable[Any]:
        if self._dataset is None or self._is_reset or isinstance(self._dataset, Iterator):
            self._dataset = self._make()
        return self._dataset
