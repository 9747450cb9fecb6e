"""Metrics of torchmetrics, as users have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clika_compression import clika_compress
from tests.backends.torch.small_training import CLASSES, accuracy, loader, trained
from tests.backends.torch.test_fine_tuning import LOSSES, evaluation
from tests.backends.training import settings, summary


def test_metrics_of_torchmetrics_are_asked_once_an_epoch(tmp_path: Path) -> None:
    torchmetrics = pytest.importorskip("torchmetrics")

    def metric() -> Any:
        return torchmetrics.classification.MulticlassAccuracy(CLASSES, average="micro")

    path = Path(
        clika_compress(
            tmp_path / "outputs",
            settings(num_epochs=1),
            trained(),
            loader,
            evaluation,
            training_losses=LOSSES,
            training_metrics={"accuracy": metric()},
            evaluation_metrics={"theirs": metric(), "ours": accuracy},
        )
    )
    found = summary(path)
    assert 0.9 < found["training"]["accuracy"]["value"] <= 1
    evaluated = found["evaluation"]
    assert evaluated["theirs"]["value"] == pytest.approx(evaluated["ours"]["value"])
    assert evaluated["theirs"]["original"] == pytest.approx(evaluated["ours"]["original"])
