"""The documentation is true: links lead somewhere, commands are those that are run, no machine shows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

TEXT = ".py .md .toml .ini .txt .yaml .yml .json .cfg .sh .dot .svg .log".split()
PLACES = re.compile(r"(?<![\w.*{}])/(?:[w]ork|[o]pt|[r]oot|[f]arm|[h]ome|[U]sers|[t]mp)/\w")
HOSTS = re.compile(r"[p]ypi\.org|[p]ythonhosted|[d]ownload\.pytorch|\b[a-z]+[i]nde[x]-url|file:/[/]")


def documents(files: Sequence[Path]) -> list[Path]:
    return [path for path in files if path.suffix == ".md"]


def headings(document: Path) -> list[str]:
    return re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)


def anchor(heading: str) -> str:
    """The anchor of a heading: lower case, words joined by hyphens."""
    return re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-")


def dead_links(document: Path) -> Iterator[str]:
    """Relative links that lead to no file, or to no heading of it."""
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, section = target.partition("#")
        file = document.parent / name if name else document
        if not file.exists() or (section and section not in map(anchor, headings(file))):
            yield f"{document.name}: {target}"


def test_every_link_leads_somewhere(files: Sequence[Path]) -> None:
    assert [link for document in documents(files) for link in dead_links(document)] == []


def test_a_dead_link_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One thing\n[a](gone.md) [b](page.md#one-thing) [c](#another)\n", encoding="utf-8")
    assert list(dead_links(page)) == ["page.md: gone.md", "page.md: #another"]


def test_every_python_example_is_python(files: Sequence[Path]) -> None:
    for document in documents(files):
        for example in re.findall(r"```python\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL):
            ast.parse(example, filename=document.name)


def test_every_decision_is_listed(root: Path) -> None:
    folder = root / "docs" / "explanation" / "decisions"
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8"))
    assert listed == sorted(path.name for path in folder.glob("0*.md"))


def test_the_tests_that_are_run_are_those_of_the_readme(root: Path) -> None:
    script = (root / ".ci" / "run").read_text(encoding="utf-8")
    commands = re.findall(r"^pip install .+$", (root / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(commands) == 2
    assert script.splitlines()[-1] == commands[1]


@pytest.mark.parametrize("pattern", [PLACES, HOSTS], ids=["places", "hosts"])
def test_no_file_names_a_machine(pattern: re.Pattern[str], files: Sequence[Path]) -> None:
    readable = [path for path in files if not path.suffix or path.suffix in TEXT]
    found = {path.name: pattern.findall(path.read_text(encoding="utf-8")) for path in readable}
    assert {name: places for name, places in found.items() if places} == {}


@pytest.mark.parametrize("text", ["see /" + "home/me/x", "in '/" + "tmp/out'", "/" + "opt/venv"])
def test_the_path_of_a_machine_is_noticed(text: str) -> None:
    assert PLACES.search(text)
