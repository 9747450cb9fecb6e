"""What tests of training in several processes share between frameworks: starting them, and what has to be the same.

A framework's `together.py` is a program: `python -m tests.backends.<framework>.together ACTION FOLDER NAME...`. Each
named training is written into FOLDER/<name>, and the gradients of its first step into FOLDER/<name>.npz.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from clika_compression import Settings, clika_compress, clika_resume

ROOT: Final = Path(__file__).resolve().parents[2]
EPOCHS: Final = 2
GIVEN: Final = {"num_epochs": EPOCHS, "stats_steps": 4, "lr_warmup_epochs": 0, "clip_grad_norm_val": 0.5}
"""Training settings of every one of these trainings."""


class Errors:
    """The number of wrong classes, as an object that does not know of other workers."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.wrong = self.total = 0

    def update(self, outputs: Any, targets: Any) -> None:
        self.wrong += int((np.asarray(outputs).argmax(axis=1) != np.asarray(targets)).sum())
        self.total += len(targets)

    def compute(self) -> dict[str, float]:
        return {"share": self.wrong / max(self.total, 1)}


@dataclass(frozen=True)
class Program:
    """What the programs of the frameworks that resume with the model at hand do, told by `ACTION FOLDER NAME...`.

    `parts` imports the framework's `small_training`, once workers have joined; `keep_gradients` writes those of the
    next step.
    """

    kinds: Mapping[str, Mapping[str, Any]]
    is_together: Callable[[], bool]
    parts: Callable[[], Any]
    keep_gradients: Callable[[Path], None]

    def settings(self, name: str) -> Settings:
        """Those of a kind."""
        made = Settings()
        made.distributed_training_settings.multi_gpu = self.is_together()
        for key, value in {**GIVEN, **self.kinds[name]}.items():
            setattr(made.training_settings, key, value)
        return made

    def train(self, folder: Path, name: str) -> None:
        """A whole training into FOLDER/<name>."""
        self.keep_gradients(folder / f"{name}.npz")
        given, model = self._given(), self.parts().trained(2)
        clika_compress(folder / name, self.settings(name), model, **given)

    def resume(self, folder: Path, name: str) -> None:
        """Go on after its first epoch."""
        state, given = folder / name / "epoch_1" / "model.pompom", self._given()
        clika_resume(state, **given, new_settings=self.settings(name), model=self.parts().trained(2))

    def _given(self) -> dict[str, Any]:
        parts = self.parts()
        return {
            "init_training_dataset_fn": lambda: parts.loader(90),
            "init_evaluation_dataset_fn": lambda: parts.loader(71, seed=1, is_shuffled=False),
            "training_losses": {"ce": parts.cross_entropy},
            "evaluation_metrics": {"accuracy": parts.accuracy, "errors": Errors()},
        }

    def run(self, arguments: Sequence[str], **others: Callable[[Path, str], None]) -> None:
        """Do what the arguments say; `others` train kinds of another sort."""
        action, folder, *names = arguments
        for name in names:
            chosen = others.get(name, self.train) if action == "train" else self.resume
            chosen(Path(folder), name)


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def started(
    program: str,
    launched: Callable[[int], Mapping[str, str]],
    workers: int,
    folder: Path,
    *names: str,
    action: str = "train",
) -> None:
    """Run a program in `workers` processes; raises AssertionError with what the first that failed said.

    `launched` is the environment that a launcher gives the worker of a number.
    """
    paths = [str(ROOT), *(str(ROOT / place) for place in ("backends", "linter"))]
    common = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", program, action, str(folder), *names]
    running = [
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**common, **(launched(rank) if workers > 1 else {})},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(workers)
    ]
    said = [process.communicate(timeout=1200)[1] for process in running]
    assert [process.returncode for process in running] == [0] * workers, "\n".join(t[-2000:] for t in said)


def assert_same_training(one: Path, many: Path) -> None:
    """Gradients of the first step, of learned scales too, within 1e-5 one by one, and accuracies."""
    first, other = (np.load(path.with_suffix(".npz")) for path in (one, many))
    assert set(first) == set(other)
    for name in first:
        error = np.linalg.norm(other[name] - first[name]) / np.linalg.norm(first[name])
        assert error <= 1e-5, name
    for epoch in range(EPOCHS + 1):
        expected, found = summary(one, epoch), summary(many, epoch)
        for name in ("accuracy", "errors_share"):
            assert found[name] == pytest.approx(expected[name], abs=0.005), (epoch, name)


def assert_same_sensitivities(one: Path, many: Path) -> None:
    """QS of every layer."""
    qs, other = sensitivities(one), sensitivities(many)
    assert len(qs) > 4
    assert other == pytest.approx(qs, rel=1e-12)


def sensitivities(folder: Path) -> dict[str, float]:
    """QS by layer."""
    report = json.loads((folder / "clika_report.json").read_text(encoding="utf-8"))
    return {layer["name"]: layer["qs"] for layer in report["layers"] if layer["qs"] is not None}


def summary(folder: Path, epoch: int) -> dict[str, Any]:
    """What the evaluation of an epoch gave, by name."""
    text = (folder / f"epoch_{epoch}" / "summary.json").read_text(encoding="utf-8")
    return {name: entry["value"] for name, entry in json.loads(text)["evaluation"].items()}
