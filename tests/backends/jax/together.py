"""A training that one process or several run: started once per worker. See `tests.backends.together`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jax
import numpy as np

from clika_compression import Settings, clika_compress, clika_resume
from clika_jax.native_model import paths_of
from tests.backends import together
from tests.backends.together import GIVEN, Errors, free_port

PROGRAM: Final = "tests.backends.jax.together"
KINDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "plain": {},
    "learned": {"learn_scales": True, "distillation": "outputs", "grads_acc_steps": 2},
}
RANK, COUNT, COORDINATOR = (f"CLIKA_TEST_{name}" for name in ("RANK", "COUNT", "COORDINATOR"))


def settings(name: str) -> Settings:
    made = Settings()
    made.distributed_training_settings.multi_gpu = COORDINATOR in os.environ
    for key, value in {**GIVEN, **KINDS[name]}.items():
        setattr(made.training_settings, key, value)
    return made


def train(folder: Path, name: str) -> None:
    from tests.backends.jax.small_training import accuracy, cross_entropy, loader, trained

    keep_gradients(folder / f"{name}.npz")
    metrics = {"accuracy": accuracy, "errors": Errors()}
    data = lambda: loader(90), lambda: loader(71, seed=1, is_shuffled=False)
    losses = {"ce": cross_entropy}
    clika_compress(folder / name, settings(name), trained(2), *data, None, losses, None, None, metrics)


def resume(folder: Path, name: str) -> None:
    from tests.backends.jax.small_training import accuracy, cross_entropy, loader, trained

    clika_resume(
        folder / name / "epoch_1" / "model.pompom",
        lambda: loader(90),
        lambda: loader(71, seed=1, is_shuffled=False),
        training_losses={"ce": cross_entropy},
        evaluation_metrics={"accuracy": accuracy, "errors": Errors()},
        new_settings=settings(name),
        model=trained(2),
    )


def keep_gradients(path: Path) -> None:
    """Write the gradients that the next optimizer's step begins with."""
    from clika_jax.trainable import JaxTrainable as Trainable

    meant = Trainable._update_with

    def kept(own: Any, gradients: Any, *more: Any) -> Any:
        found = dict(paths_of(gradients))
        if jax.process_index() == 0:
            np.savez(path, allow_pickle=False, **{".".join(k): np.asarray(v) for k, v in found.items()})
        setattr(Trainable, "_update_with", meant)  # noqa: B010 - a method is put back
        return meant(own, gradients, *more)

    setattr(Trainable, "_update_with", kept)  # noqa: B010


def started(folder: Path, workers: int, *names: str, action: str = "train") -> None:
    """Run this program in `workers` processes."""
    address = f"127.0.0.1:{free_port()}"

    def launched(rank: int) -> dict[str, str]:
        return {RANK: str(rank), COUNT: str(workers), COORDINATOR: address}

    together.started(PROGRAM, launched, workers, folder, *names, action=action)


def main() -> None:
    action, folder, *names = sys.argv[1:]
    if COORDINATOR in os.environ:
        jax.distributed.initialize(os.environ[COORDINATOR], int(os.environ[COUNT]), int(os.environ[RANK]))
    for name in names:
        {"train": train, "resume": resume}[action](Path(folder), name)


if __name__ == "__main__":
    main()
