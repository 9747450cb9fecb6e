"""A training may die at any instant: no state is unreadable, and a resumed one ends in the same bytes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.backends.torch.killed_training import EPOCHS, FAULTS

ROOT = Path(__file__).resolve().parents[3]
WRITES = 3 * (EPOCHS + 1)  # state, summary and name of the best, per epoch


def trainings(
    folder: Path, kind: str, seed: int, kills: int, *faults: tuple[str, int]
) -> list[dict[str, Any]]:
    """What the program finds, a dict per training."""
    told = [kind, str(seed), str(kills)]
    told += [text for fault, write in faults for text in (fault, str(write))]
    paths = [
        str(ROOT),
        *(str(ROOT / name) for name in ("backends", "linter")),
        os.environ.get("PYTHONPATH", ""),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "tests.backends.torch.killed_training", str(folder), *told],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def check(found: list[dict[str, Any]]) -> None:
    """Every training that had saved a state ended in the bytes of an undisturbed one."""
    wrong = [line for line in found if line["same"] is False]
    assert wrong == []
    assert any(line["same"] for line in found)


def test_ten_kills_leave_only_whole_states(tmp_path: Path) -> None:
    found = trainings(tmp_path, "resumed", 0, 10)
    assert len(found) == 10
    assert sum(line["code"] == -9 for line in found) >= 3  # the others had ended already
    check(found)


def test_every_kind_of_fault_leaves_only_whole_states(tmp_path: Path) -> None:
    faults = [(fault, 1 + number) for number, fault in enumerate(FAULTS)]
    found = trainings(tmp_path, "resumed", 0, 0, *faults)
    assert [line["code"] for line in found] == [9, 3, 3, 9, 9]
    check(found)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(5))
def test_two_hundred_kills_leave_only_whole_states(seed: int, tmp_path: Path) -> None:
    found = trainings(tmp_path, "whole", 1 + seed, 40)
    assert len(found) == 40
    check(found)


@pytest.mark.nightly
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_any_write_leaves_only_whole_states(fault: str, tmp_path: Path) -> None:
    found = trainings(tmp_path, "whole", 0, 0, *((fault, write) for write in range(WRITES)))
    assert len(found) == WRITES
    assert {line["code"] for line in found} <= {0, 3, 9}
    check(found)
