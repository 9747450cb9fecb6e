"""What tests of fine-tuning share between frameworks: short settings, patterns to classify, summaries."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_compression import Settings, clika_compress, clika_resume

CLASSES = 4


def settings(**training: Any) -> Settings:
    """Two epochs with a short warm-up."""
    made = Settings()
    given = {
        "num_epochs": 2,
        "lr_warmup_steps_per_epoch": 3,
        "learning_rate": 1e-3,
        "stats_steps": 4,
        **training,
    }
    for key, value in given.items():
        setattr(made.training_settings, key, value)
    return made


def low_bits(**training: Any) -> Settings:
    """The same with 3-bit weights and 4-bit activations."""
    made = settings(**training)
    made.global_quantization_settings.weights_num_bits = 3
    made.global_quantization_settings.activations_num_bits = 4
    return made


def summary(path: Path) -> dict[str, Any]:
    """What the epoch of a saved state said."""
    found: dict[str, Any] = json.loads((path.parent / "summary.json").read_text(encoding="utf-8"))
    return found


@dataclass(frozen=True)
class Trainings:
    """Short trainings of one framework's classifier: `loader` makes its batches."""

    loader: Callable[..., Any]
    losses: Mapping[str, Any]
    metrics: Mapping[str, Any]

    def evaluation(self) -> Any:
        """Other samples, in order."""
        return self.loader(64, seed=1, is_shuffled=False)

    def compress(self, folder: Path, model: Any, made: Settings | None = None, optimizer: Any = None) -> Path:
        """The last state of a fine-tuning into `folder`."""
        losses, metrics = dict(self.losses), dict(self.metrics)
        data = self.loader, self.evaluation
        return Path(
            clika_compress(folder, made or settings(), model, *data, optimizer, losses, None, None, metrics)
        )

    def resume(self, path: Path, model: Any, **more: Any) -> Path:
        """The last state after going on from one."""
        given = {"training_losses": self.losses, "evaluation_metrics": self.metrics, "model": model, **more}
        return Path(clika_resume(path, self.loader, self.evaluation, **given))


def patterns(count: int = 96, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Images [count, 8, 8, 1] whose class is the direction of their stripes, and labels [count]."""
    draws = np.random.default_rng(seed)
    labels = draws.integers(0, CLASSES, count)
    rows, columns = np.meshgrid(np.arange(8.0), np.arange(8.0), indexing="ij")
    stripes = np.stack([np.sin(rows * 2), np.sin(columns * 2), np.sin(rows + columns), rows * 0])
    noisy = stripes[labels] + 0.3 * draws.standard_normal((count, 8, 8))
    return noisy[..., None].astype(np.float32), labels


def two_inputs() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Batches of inputs `left` and `right`, and targets `classes` and `size`, by name."""
    draws = np.random.default_rng(1)
    left, right = (draws.standard_normal((32, n)).astype(np.float32) for n in (6, 4))
    classes, size = draws.integers(0, CLASSES, 32), left.sum(axis=1, keepdims=True)
    parts = [slice(row, row + 8) for row in range(0, 32, 8)]
    return [({"right": right[p], "left": left[p]}, {"classes": classes[p], "size": size[p]}) for p in parts]
