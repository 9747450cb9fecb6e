"""Metrics: top-1, the user's own, and the distance to the float model, which needs no targets."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import isclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from clika_core.errors import ClikaError, DataError
from clika_core.ir.graph import Graph
from clika_core.pipeline.user_code import told_as_theirs

Metric: TypeAlias = Callable[[Any, Any], Any]
TOP1 = "top1"


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """One batch: `outputs` beside `graph.outputs` and `targets`, in NumPy; and what the user's own metric is given,
    native arrays: `result`, with the structure of the model's own, and `native_targets`.
    """

    outputs: Sequence[NDArray[Any]]
    targets: Any
    result: Any
    native_targets: Any
    num_samples: int


class Score(Protocol):
    """Takes in batch after batch; `value` is the score of all, higher or lower as the metric means it."""

    def add(self, batch: Predictions) -> None:
        """Take in one batch."""

    def value(self) -> float | None:
        """The score so far; None without a sample."""


class Top1:
    """The share of samples whose largest score is that of their class.

    Of the outputs [N, C], floating point, the first counts.
    """

    def __init__(self, position: int) -> None:
        """`position` is the output's among `graph.outputs`."""
        self._position, self._right, self._count = position, 0, 0

    def add(self, batch: Predictions) -> None:
        """Count the right ones."""
        classes = np.asarray(batch.targets)
        output = batch.outputs[self._position]
        found = output.argmax(axis=-1)
        if found.shape != classes.shape:
            raise DataError(
                "top1 needs one class number per sample as targets",
                found=f"targets {list(classes.shape)} for outputs {list(output.shape)}",
                expected=f"integers {list(found.shape)}",
                fix="give such targets, or a metric of your own: --metric module:callable",
            )
        self._right += int(np.count_nonzero(found == classes))
        self._count += batch.num_samples

    def value(self) -> float | None:
        """0 to 1."""
        return self._right / self._count if self._count else None


class Averaged:
    """A function of (outputs, targets), averaged over batches by their numbers of samples."""

    def __init__(self, metric: Metric, name: str) -> None:
        """`metric` returns one number."""
        self._metric, self._name, self._total, self._count = metric, name, 0.0, 0

    def add(self, batch: Predictions) -> None:
        """Add the batch's number."""
        with told_as_theirs(f"the metric {self._name}"):
            value = self._metric(batch.result, batch.native_targets)
        self._total += _number(value, self._name) * batch.num_samples
        self._count += batch.num_samples

    def value(self) -> float | None:
        """The mean."""
        return self._total / self._count if self._count else None


class Stateful:
    """An object with `update(outputs, targets)` and `compute()`, as torchmetrics has them."""

    def __init__(self, metric: Any, name: str) -> None:
        """`metric` belongs to this score alone."""
        self._metric, self._name, self._is_used = metric, name, False

    def add(self, batch: Predictions) -> None:
        """Update it."""
        with told_as_theirs(f"the metric {self._name}"):
            self._metric.update(batch.result, batch.native_targets)
        self._is_used = True

    def value(self) -> float | None:
        """What it computes."""
        if not self._is_used:
            return None
        with told_as_theirs(f"the metric {self._name}"):
            value = self._metric.compute()
        return _number(value, self._name)


def score_maker(
    metric: str | Metric | None, graph: Graph, outputs: Sequence[NDArray[Any]], targets: Any
) -> tuple[str | None, Callable[[], Score]] | tuple[None, None]:
    """The metric's name and how to make a score of it; None where there is nothing to compare with targets.

    `metric` None: top-1 where targets are integers [N] and the model's only output is [N, C]. `outputs` and
    `targets` are of the first batch. Raises DataError where a metric was asked for and cannot be computed.
    """
    if metric is None:
        is_classifier = len(outputs) == 1 and _is_scores(outputs[0], targets)
        return (TOP1, lambda: Top1(0)) if is_classifier else (None, None)
    if targets is None and metric == TOP1:
        raise DataError("top1 needs targets, and the evaluation data has none", fix="add targets to the data")
    if metric == TOP1:
        position = next((i for i, array in enumerate(outputs) if _is_two_axes(array)), None)
        if position is None:
            shapes = ", ".join(
                f"{node.name} {list(array.shape)}" for node, array in zip(graph.outputs, outputs, strict=True)
            )
            raise DataError(
                "top1 needs an output [N, C], and the model has none",
                found=shapes,
                fix="give a metric of your own: --metric module:callable",
            )
        return TOP1, lambda: Top1(position)
    return _own(metric)


def _own(metric: Any) -> tuple[str, Callable[[], Score]]:
    name = getattr(metric, "__name__", type(metric).__name__)
    if hasattr(metric, "update") and hasattr(metric, "compute"):
        make = metric if isclass(metric) else lambda: copy.deepcopy(metric)
        return name, lambda: Stateful(make(), name)
    if not callable(metric):
        raise DataError(
            "this is no metric",
            found=repr(metric),
            expected="'top1', a function of (outputs, targets), or an object with update and compute",
        )
    return name, lambda: Averaged(metric, name)


def _is_scores(output: NDArray[Any], targets: Any) -> bool:
    classes = None if targets is None else np.asarray(targets)
    return (
        classes is not None
        and _is_two_axes(output)
        and classes.ndim == 1
        and np.issubdtype(classes.dtype, np.integer)
        and len(classes) == len(output)
    )


def _is_two_axes(output: NDArray[Any]) -> bool:
    return output.ndim == 2 and np.issubdtype(output.dtype, np.floating)


def _number(value: Any, name: str) -> float:
    try:
        return float(value)
    except ClikaError:
        raise
    except Exception:  # noqa: BLE001 - the user's object raises whatever it likes
        raise DataError(
            f"the metric {name} gives no number", found=type(value).__name__, expected="one number"
        ) from None
