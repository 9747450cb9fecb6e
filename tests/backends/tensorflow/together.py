"""A training that one process or several run: started once per worker. See `tests.backends.together`."""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np

from clika_compression import clika_compress
from clika_tensorflow.workers import join, joined
from tests.backends import together
from tests.backends.together import Program, free_port

CLUSTER: Final = "TF_CONFIG"


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


PROGRAM: Final = Program(
    {
        "plain": {},
        "halves": {"num_epochs": 0, "stats_steps": 8},
        "learned": {"learn_scales": True, "distillation": "outputs", "grads_acc_steps": 2},
    },
    lambda: CLUSTER in os.environ,
    lambda: importlib.import_module("tests.backends.tensorflow.small_training"),
    keep_gradients,
)


def halves(folder: Path, name: str) -> None:
    """On the batches that two workers compute on.

    A product of other sizes adds in another order, which QS is no sum of.
    """
    parts = PROGRAM.parts()
    clika_compress(
        folder / name,
        PROGRAM.settings(name),
        parts.trained(2),
        lambda: parts.loader(90).unbatch().batch(8),
        training_losses={"ce": parts.cross_entropy},
    )


def started(folder: Path, workers: int, *names: str, action: str = "train") -> None:
    """Run this program in `workers` processes."""
    cluster = {"worker": [f"127.0.0.1:{free_port()}" for _ in range(workers)]}

    def launched(rank: int) -> dict[str, str]:
        return {CLUSTER: json.dumps({"cluster": cluster, "task": {"type": "worker", "index": rank}})}

    together.started("tests.backends.tensorflow.together", launched, workers, folder, *names, action=action)


if __name__ == "__main__":
    join()
    PROGRAM.run(sys.argv[1:], halves=halves)
