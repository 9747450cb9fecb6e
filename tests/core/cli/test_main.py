"""Exit codes, help, and the last resort for errors that are our fault."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from clika_core.cli import main as cli
from clika_core.ir.graph import Graph
from tests.core.cli.conftest import Clika


def test_help_lists_every_command_with_a_line(clika: Clika) -> None:
    outcome = clika("--help")
    assert outcome.code == 0
    for name, (_, line) in cli.COMMANDS.items():
        assert f"{name} " in outcome.out
        assert line in outcome.out


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_help_with_an_example(clika: Clika, name: str) -> None:
    outcome = clika(name, "--help")
    assert outcome.code == 0
    assert f"Example: clika {name}" in outcome.out


@pytest.mark.parametrize("arguments", [("nonsense",), ("plan",), ("plan", "missing.json"), ("--nonsense",)])
def test_wrong_usage_exits_with_2(clika: Clika, arguments: tuple[str, ...]) -> None:
    outcome = clika(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert "Error: " in outcome.err


def test_an_error_of_ours_exits_with_70_and_asks_for_a_report(
    clika: Clika, classifier: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert classifier.layers
    monkeypatch.setattr("clika_core.cli.plan.lines", lambda _: 1 / 0)
    outcome = clika("plan", "model.graph.json")
    assert outcome.code == 70
    assert "internal error: ZeroDivisionError" in outcome.err
    assert "Traceback" not in outcome.err
    assert "Traceback" in clika("--debug", "plan", "model.graph.json").err


def test_an_interrupt_exits_with_130(
    clika: Clika, classifier: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert classifier.layers

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("clika_core.cli.plan.lines", interrupt)
    assert clika("plan", "model.graph.json").code == 130


def piped(arguments: Sequence[str], cwd: Path, output: int) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, as `python -m clika_core` starts it."""
    command = [sys.executable, "-m", "clika_core", *arguments]
    return subprocess.run(command, cwd=cwd, stdout=output, stderr=subprocess.PIPE, text=True, timeout=60)


@pytest.mark.parametrize("arguments", [("plan", "model.graph.json"), ("lint", "--list-rules")])
def test_a_reader_that_leaves_is_told_nothing(
    classifier: Graph, tmp_path: Path, arguments: Sequence[str]
) -> None:
    assert classifier.layers
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = piped(arguments, tmp_path, writing)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (cli.UNREAD, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
@pytest.mark.parametrize("arguments", [("plan", "model.graph.json"), ("lint", "--list-rules")])
def test_a_full_disk_is_no_bug_of_ours(classifier: Graph, tmp_path: Path, arguments: Sequence[str]) -> None:
    assert classifier.layers
    with open("/dev/full", "w") as full:
        done = piped(arguments, tmp_path, full.fileno())
    assert done.returncode == cli.USAGE
    assert done.stderr == "error: cannot write what was asked for\n  found: No space left on device\n"
