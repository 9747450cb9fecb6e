"""Metrics: plain functions averaged over samples, objects asked at the end, dicts taken apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from clika_core.errors import DataError
from clika_core.training.metrics import Metrics, checked_metrics
from clika_core.training.share import num_samples


class Largest:
    """As torchmetrics have it."""

    def __init__(self) -> None:
        self.seen: list[float] = [99]

    def update(self, outputs: Any, targets: Any) -> None:
        self.seen.append(float(np.max(outputs)))

    def compute(self) -> dict[str, float]:
        return {"max": max(self.seen), "count": len(self.seen)}

    def reset(self) -> None:
        self.seen = []


def test_a_function_is_averaged_over_samples() -> None:
    metrics = Metrics({"mean": lambda outputs, _: np.mean(outputs)})
    metrics.update(np.array([1.0, 1.0, 1.0]), None, 3)
    metrics.update(np.array([5.0]), None, 1)
    assert metrics.compute() == {"mean": 2.0}


def test_an_object_is_reset_before_and_asked_at_the_end() -> None:
    metrics = Metrics({"largest": Largest()})
    metrics.update(np.array([1.0, 7.0]), None, 2)
    metrics.update(np.array([3.0]), None, 1)
    assert metrics.compute() == {"largest_max": 7.0, "largest_count": 2.0}


@pytest.mark.parametrize(
    ("inputs", "samples"),
    [
        (np.zeros((4, 2)), 4),
        ((np.zeros((3, 2)), np.zeros(3)), 3),
        ({"x": np.zeros((5, 1))}, 5),
        ([{"x": (np.zeros(6),)}], 6),
        (7, 1),
    ],
)
def test_samples_are_counted_along_the_first_axis(inputs: Any, samples: int) -> None:
    assert num_samples(inputs) == samples


def test_what_is_no_metric_is_named() -> None:
    assert checked_metrics(None, "training_metrics") == {}
    with pytest.raises(DataError, match=r"evaluation_metrics\['accuracy'\] is no metric"):
        checked_metrics({"accuracy": 3}, "evaluation_metrics")
    with pytest.raises(DataError, match="are a dict by name"):
        checked_metrics([len], "evaluation_metrics")
