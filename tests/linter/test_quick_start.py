"""Arguments that are right mean the same with and without click; mistakes and `--help` are left to click."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clika_linter import command
from clika_linter.options import OPTIONS, Kind, Options
from clika_linter.quick_start import parse
from tests.linter.conftest import Lint, Project

WORDS = st.sampled_from(
    ["CLK201", "CLK2,CLK3", " a , b", "text", "error", "never", "auto", __file__, "missing", ""]
)
ARGUMENTS = st.lists(
    st.one_of(
        WORDS,
        st.sampled_from([row.flag for row in OPTIONS]),
        st.sampled_from(
            ["--", "-", "-h", "--help", "--graph=", "--fix=1", "--nonsense", f"--graph={__file__}"]
        ),
    ),
    max_size=6,
)


def by_click(arguments: list[str], patch: pytest.MonkeyPatch) -> Options:
    """The options as the click command hands them on. Raises what click raises."""
    seen: list[Any] = []

    def lint(options: Options) -> int:
        seen.append(options)
        return 0

    patch.setattr(command, "lint", lint)
    command.command.main(list(arguments), standalone_mode=False)
    (found,) = seen
    assert isinstance(found, Options)
    return found


@given(arguments=ARGUMENTS)
def test_both_readers_agree_on_every_line_that_is_not_left_to_click(arguments: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        quick = parse(arguments)
        assert quick is None or quick == by_click(arguments, patch)


@pytest.mark.parametrize("row", OPTIONS, ids=lambda row: row.flag)
def test_every_option_is_understood_without_click(row: Any, tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    file.write_text("{}")
    value = row.choices[0] if row.choices else str(file)
    arguments = [row.flag] if row.kind is Kind.FLAG else [row.flag, value]
    with pytest.MonkeyPatch.context() as patch:
        quick = parse(["settings", *arguments])
        assert quick == by_click(["settings", *arguments], patch)
    assert quick != Options(paths=("settings",)) or value == row.default


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--nonsense"], ["--graph"], ["--graph", "missing"], ["--fail-on", "x"], ["--fix=1"]],
)
def test_what_is_unusual_is_left_to_click(arguments: list[str]) -> None:
    assert parse(arguments) is None


def test_a_mistake_is_said_as_for_every_command(lint: Lint) -> None:
    outcome = lint("--fail-on", "sometimes")
    assert outcome.code == 2
    assert "Error: Invalid value for '--fail-on'" in outcome.err


def test_a_run_loads_neither_click_nor_what_takes_as_long(project: Project) -> None:
    project.graph()
    project.write("settings.yaml", "# clika: graph=model.graph.json\nlayer_settings: {}\n")
    slow = "click pluggy inspect dataclasses difflib".split()
    code = f"""
import atexit, sys
before = {{*sys.modules}}
atexit.register(lambda: print("slow:", *{{*{slow}}} & ({{*sys.modules}} - before)))
from clika_core.cli.main import main
main(["lint", "settings.yaml", "--no-cache"])
"""
    runs = [  # the first examines the plugins
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
        for _ in range(2)
    ]
    assert [run.stderr for run in runs] == ["", ""]
    assert runs[1].stdout.splitlines()[-1] == "slow:"
