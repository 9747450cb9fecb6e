"""A training that one process or several run: started once per worker, told what to do by its arguments.

    python -m tests.backends.torch.together FOLDER NAME...      NAME: a key of `KINDS`

Each kind is trained into FOLDER/<name>; the first worker also writes the gradients of the first step, and everyone
that the callback was called, into FOLDER/<name>.npz and FOLDER/<name>.<rank>.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

from clika_compression import Settings, clika_compress, clika_resume
from clika_core.training.callbacks import Callback
from clika_torch.sharded import whole
from clika_torch.trainable import TorchTrainable
from tests.backends import together
from tests.backends.together import GIVEN, Errors, free_port
from tests.backends.torch.small_training import accuracy, images, loader, trained

LOSSES: Final = {"ce": torch.nn.functional.cross_entropy}
KINDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "plain": {},
    "sharded": {"use_sharding": True},
    "offloaded": {"use_sharding": True, "params_offloading": True},
    "learned": {"learn_scales": True, "distillation": "outputs", "grads_acc_steps": 2},
    "learned_sharded": {
        "learn_scales": True,
        "distillation": "outputs",
        "grads_acc_steps": 2,
        "use_sharding": True,
    },
    "divided": {},
}


class Called(Callback):
    """Says that it was called."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def on_epoch(self, epoch: int, summary: Mapping[str, Any]) -> None:
        self._path.touch()


def settings(name: str) -> Settings:
    made = Settings()
    is_together = made.distributed_training_settings.multi_gpu = "RANK" in os.environ
    for key, value in {**GIVEN, **KINDS[name]}.items():
        if key == "use_sharding":
            made.distributed_training_settings.use_sharding = is_together
        elif key == "params_offloading":
            made.training_settings.params_offloading = is_together
        else:
            setattr(made.training_settings, key, value)
    return made


def train(folder: Path, name: str) -> None:
    model = trained(2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    keep_gradients(folder / f"{name}.npz")
    called = Called(folder / f"{name}.{os.environ.get('RANK', '0')}")
    clika_compress(
        folder / name,
        settings(name),
        model,
        divided if name == "divided" and "RANK" in os.environ else lambda: loader(90),
        lambda: loader(71, seed=1, is_shuffled=False),
        optimizer,
        LOSSES,
        {"accuracy": accuracy},
        None,
        {"accuracy": accuracy, "errors": Errors()},
        [called],
    )


def divided() -> DataLoader[Any]:
    data = TensorDataset(*images(96))
    return DataLoader(data, batch_size=8, sampler=DistributedSampler(data, shuffle=True))


def resume(folder: Path, name: str) -> None:
    clika_resume(
        folder / name / "epoch_1" / "model.pompom",
        lambda: loader(90),
        lambda: loader(71, seed=1, is_shuffled=False),
        None,
        LOSSES,
        {"accuracy": accuracy},
        None,
        {"accuracy": accuracy, "errors": Errors()},
        new_settings=settings(name),
    )


def keep_gradients(path: Path) -> None:
    """Write the gradients that the next optimizer's step begins with."""
    apply = TorchTrainable.apply

    def kept(own: TorchTrainable, learning_rate_factor: float, **more: Any) -> float | None:
        own._engine.gather_gradients()
        found = {n: whole(p.grad).numpy() for n, p in own.native.named_parameters() if p.grad is not None}
        if os.environ.get("RANK", "0") == "0":
            np.savez(path, allow_pickle=False, **found)
        setattr(TorchTrainable, "apply", apply)  # noqa: B010 - a method is put back
        return apply(own, learning_rate_factor, **more)

    setattr(TorchTrainable, "apply", kept)  # noqa: B010


def started(folder: Path, workers: int, *names: str, action: str = "train") -> None:
    """Run this program in `workers` processes."""
    port = str(free_port())
    launched = {"WORLD_SIZE": str(workers), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    together.started(
        "tests.backends.torch.together",
        lambda rank: {"RANK": str(rank), **launched},
        workers,
        folder,
        *names,
        action=action,
    )


def main() -> None:
    action, folder, *names = sys.argv[1:]
    torch.set_num_threads(1)
    for name in names:
        {"train": train, "resume": resume}[action](Path(folder), name)


if __name__ == "__main__":
    main()
