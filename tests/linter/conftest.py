"""A project in a temporary folder, and `clika lint` run in it as a user runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from clika_core.cli.main import main
from clika_core.testing.builder import GraphBuilder
from clika_linter.case import MakeGraph
from clika_linter.example_graphs import classifier


@dataclass(frozen=True)
class Ran:
    """What a run of the command gave."""

    code: int
    out: str
    err: str


class Project:
    """A folder with settings files and graphs; the current folder while a test runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, text: str) -> Path:
        """A text file, bytes as they are given."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8"))
        return path

    def graph(self, name: str = "model.graph.json", make: MakeGraph = classifier) -> Path:
        """A graph snapshot."""
        builder = GraphBuilder()
        make(builder)
        builder.build().save(self.folder / name)
        return self.folder / name


Lint = Callable[..., Ran]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty project; caches of the user are left alone, and so is a wish for colours."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Project(folder)


@pytest.fixture
def lint(project: Project, capsys: pytest.CaptureFixture[str]) -> Lint:
    """Run `clika lint` with arguments, in the project's folder."""
    assert Path.cwd() == project.folder

    def run(*arguments: str) -> Ran:
        with pytest.raises(SystemExit) as ended:
            main(["lint", *arguments])
        captured = capsys.readouterr()
        return Ran(int(ended.value.code or 0), captured.out, captured.err)

    return run
