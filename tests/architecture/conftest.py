"""What the architecture tests look at: the repository's folders and its parsed Python files."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "clika_core",
    "clika_compression",
    "backends/clika_jax",
    "backends/clika_tensorflow",
    "backends/clika_torch",
    "linter/clika_linter",
)
FOLDERS = (".ci", "backends", "benchmarks", "clika_compression", "clika_core", "docs", "linter", "tests")


@dataclass(frozen=True)
class Module:
    """A Python file: its path inside the repository, its text, and its syntax tree."""

    path: Path
    text: str
    tree: ast.Module


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def packages() -> Sequence[Path]:
    """The packages that the wheel ships, as folders."""
    return [ROOT / package for package in PACKAGES]


@pytest.fixture(scope="session")
def files() -> Sequence[Path]:
    """Every file of the project; nothing that a tool left behind."""
    inside = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*"))]
    beside = [path for path in sorted(ROOT.iterdir()) if path.name != ".git"]  # a file in a worktree
    return [path for path in (*beside, *inside) if path.is_file() and "__pycache__" not in path.parts]


@pytest.fixture(scope="session")
def modules(files: Sequence[Path]) -> Sequence[Module]:
    """Every Python file of the project."""
    texts = {path: path.read_text(encoding="utf-8") for path in files if path.suffix == ".py"}
    return [Module(path.relative_to(ROOT), text, ast.parse(text)) for path, text in texts.items()]
