"""Runs `clika` in this process, in a folder of its own, and returns what a shell would see."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from clika_core.cli.main import main
from clika_core.ir.graph import Graph
from clika_core.testing.builder import GraphBuilder


class Outcome(NamedTuple):
    """Exit code, standard output, standard error."""

    code: int
    out: str
    err: str


Clika = Callable[..., Outcome]


@pytest.fixture
def clika(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Clika:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Outcome:
        with pytest.raises(SystemExit) as exit_:
            main(arguments)
        captured = capsys.readouterr()
        code = exit_.value.code
        assert isinstance(code, int)
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture
def classifier(tmp_path: Path) -> Graph:
    """A small classifier, written to `model.graph.json` in the current folder."""
    builder = GraphBuilder()
    value = builder.input("x", ("d0", 3, 8, 8))
    value = builder.layer("conv", value, weight=(16, 3, 3, 3), path="features.0")
    value = builder.layer("batch_norm", value, path="features.1")
    value = builder.layer("relu", value, path="features.2")
    value = builder.layer("adaptive_avg_pool", value, output_size=(1, 1), path="pool")
    value = builder.layer("flatten", value)
    for index in range(2):
        value = builder.layer("linear", value, weight=(16, 16), path=f"classifier.{index}")
    builder.output(value)
    graph = builder.build()
    graph.save(tmp_path / "model.graph.json")
    return graph
