"""A training that one process or several run: started once per worker. See `tests.backends.together`."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any, Final

import jax
import numpy as np

from clika_jax.native_model import paths_of
from tests.backends import together
from tests.backends.together import Program, free_port

RANK, COUNT, COORDINATOR = (f"CLIKA_TEST_{name}" for name in ("RANK", "COUNT", "COORDINATOR"))


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


PROGRAM: Final = Program(
    {"plain": {}, "learned": {"learn_scales": True, "distillation": "outputs", "grads_acc_steps": 2}},
    lambda: COORDINATOR in os.environ,
    lambda: importlib.import_module("tests.backends.jax.small_training"),
    keep_gradients,
)


def started(folder: Path, workers: int, *names: str, action: str = "train") -> None:
    """Run this program in `workers` processes."""
    address = f"127.0.0.1:{free_port()}"

    def launched(rank: int) -> dict[str, str]:
        return {RANK: str(rank), COUNT: str(workers), COORDINATOR: address}

    together.started("tests.backends.jax.together", launched, workers, folder, *names, action=action)


if __name__ == "__main__":
    if COORDINATOR in os.environ:
        jax.distributed.initialize(os.environ[COORDINATOR], int(os.environ[COUNT]), int(os.environ[RANK]))
    PROGRAM.run(sys.argv[1:])
