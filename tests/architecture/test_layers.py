"""The import contracts hold, and each of them breaks when it is broken."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONTRACTS = {
    "The layers of the core": ("clika_core/errors.py", "import clika_core.ir.graph"),
    "The core reaches no framework": ("clika_core/ir/graph.py", "def late():\n    import torch"),
    "Deciding needs no arrays": ("clika_core/planning/decision.py", "from numpy import array"),
    "The linter reaches no framework and no arrays": ("linter/clika_linter/report.py", "import numpy"),
    "Backends stand on the core alone": (
        "backends/clika_torch/registration.py",
        "import clika_compression",
    ),
}
"""Each contract with a file, and the line that breaks it."""

RUN = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"


def verdict(project: Path) -> str:
    """What import-linter says of the project in a folder."""
    path = os.pathsep.join(str(project / folder) for folder in ("", "backends", "linter"))
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        cwd=project,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stdout + done.stderr


@pytest.fixture
def copy(root: Path, packages: list[Path], tmp_path: Path) -> Path:
    """A copy of the sources that a test may break."""
    shutil.copy(root / "pyproject.toml", tmp_path)
    for package in packages:
        place = tmp_path / package.relative_to(root)
        shutil.copytree(package, place, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_every_contract_is_kept(copy: Path) -> None:
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in verdict(copy)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_contract_breaks_when_it_is_broken(contract: str, copy: Path) -> None:
    file, line = CONTRACTS[contract]
    with (copy / file).open("a", encoding="utf-8") as source:
        source.write(f"\n{line}\n")
    assert f"{contract} BROKEN" in verdict(copy)


def test_a_package_without_a_layer_is_noticed(copy: Path) -> None:
    (copy / "clika_core" / "stray.py").write_text('"""Belongs nowhere."""\n', encoding="utf-8")
    assert "The layers of the core BROKEN" in verdict(copy)
