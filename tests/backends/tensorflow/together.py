"""A training that one process or several run: started once per worker. See `tests.backends.together`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from clika_compression import Settings, clika_compress, clika_resume
from clika_tensorflow.workers import join, joined
from tests.backends import together
from tests.backends.together import GIVEN, Errors, free_port

PROGRAM: Final = "tests.backends.tensorflow.together"
KINDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "plain": {},
    "halves": {"num_epochs": 0, "stats_steps": 8},  # the batches that two workers compute on: see `train`
    "learned": {"learn_scales": True, "distillation": "outputs", "grads_acc_steps": 2},
}
CLUSTER: Final = "TF_CONFIG"


def settings(name: str) -> Settings:
    made = Settings()
    made.distributed_training_settings.multi_gpu = CLUSTER in os.environ
    for key, value in {**GIVEN, **KINDS[name]}.items():
        setattr(made.training_settings, key, value)
    return made


def train(folder: Path, name: str) -> None:
    from tests.backends.tensorflow.small_training import accuracy, cross_entropy, loader, trained

    if name == "halves":  # a product of other sizes adds in another order, which QS is no sum of
        halves = (lambda: loader(90).unbatch().batch(8)), None
        clika_compress(folder / name, settings(name), trained(2), *halves, None, {"ce": cross_entropy})
        return
    keep_gradients(folder / f"{name}.npz")
    metrics = {"accuracy": accuracy, "errors": Errors()}
    data = lambda: loader(90), lambda: loader(71, seed=1, is_shuffled=False)
    losses = {"ce": cross_entropy}
    clika_compress(folder / name, settings(name), trained(2), *data, None, losses, None, None, metrics)


def resume(folder: Path, name: str) -> None:
    from tests.backends.tensorflow.small_training import accuracy, cross_entropy, loader, trained

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
    from clika_tensorflow.trainable import TensorFlowTrainable as Trainable

    meant = Trainable._clipped

    def kept(own: Any) -> Any:
        found = own._gradients
        if joined().rank == 0:
            np.savez(path, allow_pickle=False, **{k: np.asarray(v) for k, v in found.items()})
        setattr(Trainable, "_clipped", meant)  # noqa: B010 - a method is put back
        return meant(own)

    setattr(Trainable, "_clipped", kept)  # noqa: B010


def started(folder: Path, workers: int, *names: str, action: str = "train") -> None:
    """Run this program in `workers` processes."""
    cluster = {"worker": [f"127.0.0.1:{free_port()}" for _ in range(workers)]}

    def launched(rank: int) -> dict[str, str]:
        return {CLUSTER: json.dumps({"cluster": cluster, "task": {"type": "worker", "index": rank}})}

    together.started(PROGRAM, launched, workers, folder, *names, action=action)


def main() -> None:
    action, folder, *names = sys.argv[1:]
    join()
    for name in names:
        {"train": train, "resume": resume}[action](Path(folder), name)


if __name__ == "__main__":
    main()
