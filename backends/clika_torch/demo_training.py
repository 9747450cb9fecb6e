"""How the demo's weights were made: `train` writes the files that ship in `clika_core.demo.assets`.

Deterministic: one thread, every draw from one seed; the same machine and version of PyTorch give the same
bytes. Training never looks at the test images: they are evaluated once, after the last epoch.
"""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, cross_entropy, grid_sample

from clika_core.demo.data import BACKGROUND, DemoData, Split, load_images
from clika_core.demo.weights import TRAINING_LOG_FILE, WEIGHTS_FILE, save_weights
from clika_core.files import write_whole
from clika_torch.demo_network import DemoNetwork, export_weights

EVALUATION_BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides the weights, besides data and network.

    SGD with Nesterov momentum and weight decay on everything, batch norms too: an unused channel's gamma
    shrinks with its variance, so that folded weights stay within a small range. One learning-rate cycle
    (Smith & Topin 2018): up to the peak in the first 30 % of the steps, then down to almost zero.
    """

    seed: int = 0
    epochs: int = 14
    batch_size: int = 64
    peak_learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    label_smoothing: float = 0.1
    rotation_degrees: float = 12.0
    scaling: float = 0.12
    shear: float = 0.2
    translation_pixels: float = 2.0


@dataclass(frozen=True, slots=True)
class EpochLog:
    """One line of the log: mean cross-entropies, in training with warping and smoothing, and a fraction."""

    epoch: int
    training_loss: float
    validation_loss: float
    validation_accuracy: float


@dataclass(frozen=True, slots=True)
class TrainingLog:
    """What `training_log.json` holds: how to make the weights anew, and what they reach on test images."""

    recipe: Recipe
    versions: dict[str, str]
    images: dict[str, int]
    epochs: list[EpochLog]
    test_accuracy: float


def train(
    output_folder: Path,
    *,
    recipe: Recipe | None = None,
    data: DemoData | None = None,
    progress: Callable[[str], None] = print,
) -> TrainingLog:
    """Train from random weights; write `demo_network.safetensors` and `training_log.json` into the folder.

    Takes about 3 minutes on one core. `progress` gets a line per epoch. Without `data`: `load_images()`.
    """
    recipe = recipe or Recipe()
    data = data or load_images()
    with _deterministic(recipe.seed):
        network = DemoNetwork().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        epochs = _run_epochs(network, data, recipe, progress)
        test_accuracy = evaluate(network, data.test)[1]
    log = TrainingLog(
        recipe=recipe,
        versions=_versions(),
        images={name: len(getattr(data, name)) for name in ("train", "validation", "test")},
        epochs=epochs,
        test_accuracy=test_accuracy,
    )
    progress(f"test accuracy {test_accuracy:.2%} of {len(data.test)} images")
    output_folder.mkdir(parents=True, exist_ok=True)
    save_weights(export_weights(network), output_folder / WEIGHTS_FILE)
    write_whole(output_folder / TRAINING_LOG_FILE, (json.dumps(asdict(log), indent=2) + "\n").encode())
    return log


def evaluate(network: nn.Module, part: Split) -> tuple[float, float]:
    """Mean cross-entropy and accuracy, a fraction, of the network in evaluation mode, in which it is left."""
    network.eval()
    images = torch.split(torch.from_numpy(part.images), EVALUATION_BATCH)
    with torch.inference_mode():
        logits = torch.cat([network(batch.contiguous(memory_format=torch.channels_last)) for batch in images])
    labels = torch.from_numpy(part.labels)
    correct = int((logits.argmax(dim=1) == labels).sum())
    return cross_entropy(logits, labels).item(), correct / len(part)


def warp(images: Tensor, recipe: Recipe, draws: torch.Generator) -> Tensor:
    """Every image under an affine map of its own; what comes in from outside is background.

    images   float32 [N, C, H, W] as `clika_core.demo.data` scales them, H = W
    draws    rotation, shear, scaling and translation are uniform between minus and plus the recipe's values

    For coordinates in [-1, 1] the map is (rotation + shear) · scaling, then the translation.
    """

    def uniform(limit: float) -> Tensor:
        return (2 * torch.rand(len(images), generator=draws) - 1) * limit

    angle = uniform(math.radians(recipe.rotation_degrees))
    wide, high = 1 + uniform(recipe.scaling), 1 + uniform(recipe.scaling)
    shear = uniform(recipe.shear)
    pixel = 2 / images.shape[-1]
    right, down = uniform(recipe.translation_pixels * pixel), uniform(recipe.translation_pixels * pixel)
    top_row = torch.stack([angle.cos() * wide, (shear - angle.sin()) * high, right], dim=1)
    bottom_row = torch.stack([angle.sin() * wide, angle.cos() * high, down], dim=1)
    grid = affine_grid(torch.stack([top_row, bottom_row], dim=1), list(images.shape), align_corners=False)
    return grid_sample(images - BACKGROUND, grid, align_corners=False) + BACKGROUND


def _run_epochs(
    network: DemoNetwork, data: DemoData, recipe: Recipe, progress: Callable[[str], None]
) -> list[EpochLog]:
    draws = torch.Generator().manual_seed(recipe.seed)
    optimizer, schedule = _optimizer(network, recipe, math.ceil(len(data.train) / recipe.batch_size))
    epochs: list[EpochLog] = []
    for number in range(1, recipe.epochs + 1):
        network.train()
        losses = []
        for images, labels in _batches(data.train, recipe, draws):
            loss = cross_entropy(network(images), labels, label_smoothing=recipe.label_smoothing)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        entry = EpochLog(number, sum(losses) / len(losses), *evaluate(network, data.validation))
        epochs.append(entry)
        progress(
            f"epoch {number}/{recipe.epochs}: training loss {entry.training_loss:.4f}, "
            f"validation accuracy {entry.validation_accuracy:.2%}"
        )
    return epochs


def _optimizer(
    network: DemoNetwork, recipe: Recipe, steps_per_epoch: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=recipe.peak_learning_rate,
        momentum=recipe.momentum,
        nesterov=True,
        weight_decay=recipe.weight_decay,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=recipe.peak_learning_rate,
        epochs=recipe.epochs,
        steps_per_epoch=steps_per_epoch,
        cycle_momentum=False,
    )
    return optimizer, schedule


def _batches(part: Split, recipe: Recipe, draws: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Warped images and labels in a new random order; the last batch may be smaller."""
    images, labels = torch.from_numpy(part.images), torch.from_numpy(part.labels)
    for rows in torch.split(torch.randperm(len(part), generator=draws), recipe.batch_size):
        yield warp(images[rows], recipe, draws).contiguous(memory_format=torch.channels_last), labels[rows]


@contextmanager
def _deterministic(seed: int) -> Iterator[None]:
    """One thread, since sums depend on how they are shared out, and the seed; both as before afterwards."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
