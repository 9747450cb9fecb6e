"""The tutorial is run from top to bottom, as its reader does; how-tos are held against the program.

A block of Python or YAML belongs to the file named before it, a block of shell is run, and the text behind it is what
the shell shows. Figures differ from machine to machine: they are compared as `#`, all else word for word.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from clika_core.settings.load import parse_settings
from clika_core.settings.model import Settings

DOCS = Path(__file__).resolve().parents[3] / "docs"
TUTORIAL = DOCS / "tutorials" / "first-quantized-model.md"
CLIKA = "import sys; from clika_core.cli.main import main; main(sys.argv[1:])"
BLOCK = re.compile(r"(?:^`([\w.]+)`:\n\n)?^ *```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def blocks(path: Path) -> list[tuple[str, str, str]]:
    """File or "", language and content of each block."""
    return [
        (name, language, text) for name, language, text in BLOCK.findall(path.read_text(encoding="utf-8"))
    ]


def masked(text: str) -> list[str]:
    """Lines without figures, nor what follows from them: faster or slower, which layer comes first."""
    lines = [re.sub(r"\d[\d.,]*", "#", line).rstrip() for line in text.strip().splitlines()]
    lines = [re.sub(r"(faster|slower)$", "faster or slower", line) for line in lines]
    return [re.sub(r"(?<=\(QS\): ).*|(?<=of the codes ).*", "...", line) for line in lines]


def run(command: str, folder: Path) -> str:
    program, *arguments = command.split()
    given = [sys.executable, "-c", CLIKA, *arguments] if program == "clika" else [sys.executable, *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": ""}
    done = subprocess.run(given, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_tutorial_works_and_shows_what_is_seen(tmp_path: Path) -> None:
    shown = ""
    commands = 0
    for name, language, text in blocks(TUTORIAL):
        if language in ("python", "yaml"):
            assert name, text
            (tmp_path / name).write_text(text)
        elif language == "bash":
            commands += 1
            shown = "".join(run(line, tmp_path) for line in text.splitlines())
        else:
            assert language == "text"
            assert masked(shown) == masked(text)
    assert commands == 6
    report = json.loads((tmp_path / "outputs" / "clika_report.json").read_text())
    assert report["accuracy"]["deployed"] > report["accuracy"]["float"] - 0.01
    assert report["accuracy"]["float"] > 0.9


def test_a_difference_in_words_would_be_seen() -> None:
    assert masked("linear_1 quantized 0.5") == masked("linear_1 quantized 1,700")
    assert masked("linear_1 quantized") != masked("linear_1 float")


@pytest.mark.parametrize("page", sorted((DOCS / "how-to").glob("*.md")), ids=lambda path: path.stem)
def test_settings_in_how_tos_are_settings(page: Path) -> None:
    for _, language, text in blocks(page):
        if language == "yaml" and "_settings:" in text:
            assert parse_settings(text) != Settings()


def test_how_tos_name_commands_and_options_that_exist() -> None:
    from clika_core.cli.group import clika
    from clika_core.cli.main import COMMANDS

    for page in [*(DOCS / "how-to").glob("*.md"), TUTORIAL, DOCS.parent / "README.md"]:
        for name, rest in re.findall(r"clika (\w+)((?: [^\s`]+)*)", page.read_text(encoding="utf-8")):
            if name not in COMMANDS:
                continue
            command = clika.get_command(None, name)  # type: ignore[arg-type]
            assert command is not None
            known = {option for parameter in command.params for option in parameter.opts}
            assert set(re.findall(r"(?<!\S)--?[a-z][\w-]*", rest)) <= known | {"--help"}, (
                page.name,
                name,
                rest,
            )
