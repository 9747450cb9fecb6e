"""Trainings that are killed: run as a program, once per test, and told what to do by its arguments.

    python -m tests.backends.torch.killed_training FOLDER whole|resumed SEED KILLS [FAULT WRITE]...

Every training is a forked process, so that torch is imported once: a whole one, or one that goes on from epoch 0,
which is quicker. KILLS of them get SIGKILL at a random instant between the first thing they write and their end;
each FAULT happens at the WRITE-th file that is put in place. After each one every state that is there must be what
an undisturbed training saves, and a training resumed from the last one must end in its bytes. Prints JSON: what was
found, a line per training.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from clika_compression import Settings, clika_compress, clika_resume
from clika_core.errors import ClikaError
from clika_core.pipeline.saved_state import SavedState
from clika_core.plugins.registry import targets
from tests.backends.torch.small_training import SmallClassifier, accuracy, loader

EPOCHS = 3
LOSSES = {"ce": torch.nn.functional.cross_entropy}
FAULTS = ("short write", "no space", "read error", "crash before rename", "crash after rename")


def data() -> Any:
    return loader(32)


def train(folder: Path) -> None:
    torch.manual_seed(0)
    settings = Settings()
    settings.training_settings.num_epochs = EPOCHS
    settings.training_settings.stats_steps = 2
    settings.training_settings.learn_scales = True
    settings.training_settings.print_interval = 1000
    model = SmallClassifier().eval()
    clika_compress(folder, settings, model, data, data, None, LOSSES, None, None, {"accuracy": accuracy})


def resume(state: Path) -> None:
    clika_resume(state, data, data, None, LOSSES, None, None, {"accuracy": accuracy})


def forked(action: Callable[[], None]) -> int:
    """Run an action in a process of its own; its id. What it says goes nowhere."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 2)
        torch.set_num_threads(1)
        action()
        code = 0
    except ClikaError:
        code = 3  # said, not crashed
    finally:
        os._exit(code)


def wait(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def with_fault(fault: str, number: int, action: Callable[[], None]) -> None:
    """Run `action`; the `number`-th file that is put in place (from 0) meets the fault."""
    rename, count = Path.replace, [0]

    def replace(beside: Path, target: Path) -> Path:
        count[0] += 1
        if count[0] != number + 1:
            return rename(beside, target)
        if fault == "short write":
            os.truncate(beside, beside.stat().st_size // 2)
            os._exit(9)
        if fault in ("no space", "read error"):
            raise OSError(28 if fault == "no space" else 5, fault)
        if fault == "crash after rename":
            rename(beside, target)
        os._exit(9)

    Path.replace = replace  # type: ignore[assignment,method-assign]
    action()


def states(folder: Path) -> list[Path]:
    found = folder.glob("epoch_*/model.pompom")
    return sorted(found, key=lambda path: int(path.parent.name.removeprefix("epoch_")))


class Check:
    """What has to hold after a training was disturbed: against the states of an undisturbed one.

    A state that has the bytes of the undisturbed one's needs to be resumed only once.
    """

    def __init__(self, reference: Path) -> None:
        self._expected = {path.parent.name: path.read_bytes() for path in states(reference)}
        self._resumed: set[str] = set()

    def __call__(self, folder: Path) -> dict[str, Any]:
        """How many states were saved, and whether everything is as it should be."""
        found = states(folder)
        for text in (*folder.glob("epoch_*/summary.json"), *folder.glob("clika_report.json")):
            json.loads(text.read_text(encoding="utf-8"))
        if (folder / "best").is_file():
            best = (folder / "best").read_text(encoding="utf-8").strip()
            assert (folder / best / "model.pompom").is_file(), best
        same = all(state.read_bytes() == self._expected[state.parent.name] for state in found)
        if found and found[-1].parent.name not in self._resumed and len(found) <= EPOCHS:
            self._resumed.add(found[-1].parent.name)
            SavedState.load(found[-1])
            code = wait(forked(lambda: resume(found[-1])))
            assert code == 0, f"resuming {found[-1].parent.name} ended with {code}"
            same = same and states(folder)[-1].read_bytes() == self._expected[f"epoch_{EPOCHS}"]
        return {"saved": len(found), "same": same if found else None}


def begins(folder: Path, kind: str) -> None:
    """Wait until a training in `folder` has written what comes before its first state."""
    latest = time.monotonic() + 300
    while not any(folder.glob("clika_report.json" if kind == "whole" else "logs/*")):
        assert time.monotonic() < latest
        time.sleep(0.001)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    place, kind, seed, kills = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    faults = list(zip(sys.argv[5::2], map(int, sys.argv[6::2]), strict=True))
    targets()  # plugins are loaded once, and so is what a training imports when it first needs it
    for name in (
        "torch.export",
        "torch._dynamo",
        "torch.fx.experimental.symbolic_shapes",
        "clika_torch.tracing",
    ):
        importlib.import_module(name)
    draws = random.Random(seed)
    assert wait(forked(lambda: train(place / "reference"))) == 0

    def begun(folder: Path) -> Callable[[], None]:
        """A training to disturb."""
        if kind == "whole":
            return lambda: train(folder)
        shutil.copytree(place / "reference" / "epoch_0", folder / "epoch_0")
        return lambda: resume(folder / "epoch_0" / "model.pompom")

    child = forked(begun(place / "timed"))
    begins(place / "timed", kind)
    began = time.monotonic()
    assert wait(child) == 0
    duration = time.monotonic() - began
    check = Check(place / "reference")
    for number in range(kills):
        folder = place / f"killed_{number}"
        child = forked(begun(folder))
        begins(folder, kind)
        instant = draws.uniform(0.0, 1.0) * duration
        time.sleep(instant)
        os.kill(child, signal.SIGKILL)
        code = wait(child)
        say(json.dumps({"kill": round(instant, 3), "code": code, **check(folder)}))
        shutil.rmtree(folder, ignore_errors=True)
    for fault, write in faults:
        folder = place / f"{fault}_{write}"
        action = begun(folder)
        code = wait(forked(partial(with_fault, fault, write, action)))
        say(json.dumps({"fault": fault, "write": write, "code": code, **check(folder)}))
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
