"""Means over an epoch: of losses, of plain metric functions, and what torchmetrics-like objects compute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clika_core.backend.workers import ALONE, Workers
from clika_core.errors import DataError
from clika_core.training.losses import as_number, flattened


class Mean:
    """A mean weighted by the number of samples."""

    def __init__(self) -> None:
        """Nothing seen."""
        self._sum = self._weight = 0.0

    def add(self, value: float, weight: float) -> None:
        """Take in one batch."""
        self._sum += value * weight
        self._weight += weight

    def add_sum(self, total: float, weight: float) -> None:
        """Take in what another mean has seen."""
        self._sum += total
        self._weight += weight

    @property
    def sums(self) -> tuple[float, float]:
        """The weighted sum of the values, and of the weights."""
        return self._sum, self._weight

    @property
    def value(self) -> float:
        """The mean so far; 0 of nothing."""
        return self._sum / self._weight if self._weight else 0.0


class Means:
    """Means by name."""

    def __init__(self) -> None:
        """Nothing seen."""
        self._means: dict[str, Mean] = {}

    def add(self, values: Mapping[str, float], weight: float) -> None:
        """Take in the values of one batch of `weight` samples."""
        for name, value in values.items():
            self._means.setdefault(name, Mean()).add(value, weight)

    def values(self, workers: Workers = ALONE) -> dict[str, float]:
        """The means so far, over what all workers have seen."""
        if workers.count == 1:
            return {name: mean.value for name, mean in self._means.items()}
        merged: dict[str, Mean] = {}
        for part in workers.told({name: mean.sums for name, mean in self._means.items()}):
            for name, sums in part.items():
                merged.setdefault(name, Mean()).add_sum(*sums)
        return {name: mean.value for name, mean in merged.items()}


class Metrics:
    """The metrics of one pass over data.

    An object with `update`, `compute` and `reset` is asked once, at the end; a plain function of
    (outputs, targets) is averaged over the batches. Results that are dicts become `<metric>_<key>`. Of several
    workers, each sees its own samples: an object whose `compute` merges what all have seen, as torchmetrics' does,
    gives the exact result; of any other the mean over the workers is taken, weighted by their samples.
    """

    def __init__(self, metrics: Mapping[str, Any]) -> None:
        """Reset every object."""
        self._objects = {name: metric for name, metric in metrics.items() if is_stateful(metric)}
        self._functions = {name: metric for name, metric in metrics.items() if name not in self._objects}
        self._means = Means()
        self._num_samples = 0
        for metric in self._objects.values():
            metric.reset()

    def update(self, outputs: Any, targets: Any, num_samples: int) -> None:
        """Take in one batch."""
        self._num_samples += num_samples
        for metric in self._objects.values():
            metric.update(outputs, targets)
        for name, function in self._functions.items():
            found = dict(flattened(name, function(outputs, targets)))
            self._means.add({key: as_number(key, value) for key, value in found.items()}, num_samples)

    def compute(self, workers: Workers = ALONE) -> dict[str, float]:
        """The results by name, over all workers: those of objects that do not merge their own are averaged."""
        own = Means()
        for name, metric in self._objects.items():
            found = dict(flattened(name, metric.compute()))
            own.add({key: as_number(key, value) for key, value in found.items()}, self._num_samples or 1)
        return {**self._means.values(workers), **own.values(workers)}


def checked_metrics(metrics: Any, what: str) -> dict[str, Any]:
    """The metrics by name; none for None. Raises DataError for anything else than a dict of them."""
    if metrics is None:
        return {}
    if not isinstance(metrics, Mapping) or not all(isinstance(name, str) for name in metrics):
        raise DataError(
            f"{what} are a dict by name", found=type(metrics).__name__, fix=f'{what}={{"accuracy": metric}}'
        )
    for name, metric in metrics.items():
        if not is_stateful(metric) and not callable(metric):
            raise DataError(
                f"{what}[{name!r}] is no metric",
                found=type(metric).__name__,
                expected="an object with update, compute and reset, or a function of (outputs, targets)",
            )
    return dict(metrics)


def is_stateful(metric: Any) -> bool:
    """Whether a metric collects over batches, as torchmetrics do."""
    return all(callable(getattr(metric, name, None)) for name in ("update", "compute", "reset"))
