"""A training that one process or several run: started once per worker, told what to do by its arguments.

    python -m tests.backends.torch.together FOLDER NAME...      NAME: a key of `KINDS`

Each kind is trained into FOLDER/<name>; the first worker also writes the gradients of the first step, and everyone
that the callback was called, into FOLDER/<name>.npz and FOLDER/<name>.<rank>.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

from clika_compression import Settings, clika_compress, clika_resume
from clika_core.training.callbacks import Callback
from clika_torch.sharded import whole
from clika_torch.trainable import TorchTrainable
from tests.backends.torch.small_training import accuracy, images, loader, trained

ROOT: Final = Path(__file__).resolve().parents[3]
EPOCHS: Final = 2
LOSSES: Final = {"ce": torch.nn.functional.cross_entropy}
KINDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "plain": {},
    "sharded": {"use_sharding": True},
    "learned": {"learn_scales": True, "distillation": "outputs", "grads_acc_steps": 2},
    "learned_sharded": {
        "learn_scales": True,
        "distillation": "outputs",
        "grads_acc_steps": 2,
        "use_sharding": True,
    },
    "divided": {},
}


class Errors:
    """The number of wrong classes, as an object that does not know of other workers."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.wrong = self.total = 0

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        self.wrong += int((outputs.argmax(dim=1) != targets).sum())
        self.total += len(targets)

    def compute(self) -> dict[str, float]:
        return {"share": self.wrong / max(self.total, 1)}


class Called(Callback):
    """Says that it was called."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def on_epoch(self, epoch: int, summary: Mapping[str, Any]) -> None:
        self._path.touch()


def settings(name: str) -> Settings:
    made = Settings()
    is_together = made.distributed_training_settings.multi_gpu = "RANK" in os.environ
    given = {"num_epochs": EPOCHS, "stats_steps": 4, "lr_warmup_epochs": 0, "clip_grad_norm_val": 0.5}
    for key, value in {**given, **KINDS[name]}.items():
        if key == "use_sharding":
            made.distributed_training_settings.use_sharding = is_together
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

    def kept(own: TorchTrainable, learning_rate_factor: float) -> float | None:
        own._engine.gather_gradients()
        found = {n: whole(p.grad).numpy() for n, p in own.native.named_parameters() if p.grad is not None}
        if os.environ.get("RANK", "0") == "0":
            np.savez(path, allow_pickle=False, **found)
        setattr(TorchTrainable, "apply", apply)  # noqa: B010 - a method is put back
        return apply(own, learning_rate_factor)

    setattr(TorchTrainable, "apply", kept)  # noqa: B010


def started(folder: Path, workers: int, *names: str, action: str = "train") -> None:
    """Run this program in `workers` processes; raises AssertionError with what the first that failed said."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    paths = [str(ROOT), *(str(ROOT / place) for place in ("backends", "linter"))]
    common = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    launched = {"WORLD_SIZE": str(workers), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    command = [sys.executable, "-m", "tests.backends.torch.together", action, str(folder), *names]
    running = [
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**common, **({"RANK": str(rank), **launched} if workers > 1 else {})},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(workers)
    ]
    said = [process.communicate(timeout=300)[1] for process in running]
    assert [process.returncode for process in running] == [0] * workers, "\n".join(t[-2000:] for t in said)


def main() -> None:
    action, folder, *names = sys.argv[1:]
    torch.set_num_threads(1)
    for name in names:
        {"train": train, "resume": resume}[action](Path(folder), name)


if __name__ == "__main__":
    main()
