"""Running graphviz: what comes out, and what is said when nothing does."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clika_core.errors import MissingDependencyError, OutputError
from clika_core.pictures import svg
from clika_core.pictures.dot import DotEdge, DotGraph, DotNode
from clika_core.pictures.markup import Cell, Font, table
from clika_core.pictures.svg import find_program, render_svg
from tests.core.pictures.texts import SNIPPETS, SVG, nasty_texts, shown, texts_of_svg

SIMPLE = DotGraph((DotNode("a"), DotNode("b")), (DotEdge("a", "b"),)).render()


def _program(folder: Path, lines: str, name: str = "graphviz-pure") -> str:
    """An executable that runs `lines` of Python in place of graphviz."""
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{lines}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.usefixtures("graphviz")
def test_the_text_of_an_svg_is_text() -> None:
    drawn = render_svg(SIMPLE)
    assert texts_of_svg(drawn) == ["a", "b"]
    assert drawn == render_svg(SIMPLE)


@pytest.mark.usefixtures("graphviz")
def test_an_svg_names_no_program_and_fetches_nothing() -> None:
    drawn = render_svg(SIMPLE)
    assert "DOCTYPE" not in drawn
    assert "graphviz" not in drawn.lower()
    assert ET.fromstring(drawn).tag == f"{SVG}svg"


def _check_texts(texts: list[str], comment: str) -> None:
    """Every text comes out letter by letter, in HTML-like and plain labels, beside any name and tooltip."""
    plain = " | ".join(text for text in texts if "\n" not in text) + "."
    nodes = (
        DotNode("plain", {"label": plain, "tooltip": comment}),
        DotNode(comment, {"label": table([(Cell(text, Font(bold=True)),) for text in texts])}),
    )
    caption = table([(Cell(comment),)])
    drawn = render_svg(DotGraph(nodes, (), {"label": caption}, name=comment).render())
    assert texts_of_svg(drawn) == [shown(comment), shown(plain), *map(shown, texts)]
    elements = {element.tag.removeprefix(SVG) for element in ET.fromstring(drawn).iter()}
    assert elements <= {"svg", "g", "title", "text", "polygon", "ellipse", "a"}


@pytest.mark.usefixtures("graphviz")
def test_graphviz_shows_every_known_trick_letter_by_letter() -> None:
    _check_texts(list(SNIPPETS), "\\G \\N &nbsp; </title> -->")


@pytest.mark.usefixtures("graphviz")
@settings(max_examples=25)
@given(st.lists(nasty_texts, min_size=1, max_size=10), nasty_texts)
def test_graphviz_shows_any_text_letter_by_letter(texts: list[str], comment: str) -> None:
    _check_texts(texts, comment)


def test_the_program_beside_this_python_is_found_without_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = _program(tmp_path, "")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    assert find_program() == program


def test_a_program_on_the_path_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = _program(tmp_path, "", name="dot")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path / "empty"))
    assert find_program() == program


def test_no_program_is_found_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    assert find_program() is None


def test_without_graphviz_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(svg, "find_program", lambda: None)
    with pytest.raises(MissingDependencyError) as caught:
        render_svg(SIMPLE)
    assert str(caught.value).splitlines() == [
        "no graphviz found to draw an SVG with",
        "  expected: one of the programs graphviz-pure, dot",
        '  fix: pip install "clika-core[pictures]", or write a .dot file instead',
    ]


def test_a_layout_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = _program(tmp_path, "import time; time.sleep(60)")
    monkeypatch.setattr(svg, "find_program", lambda: slow)
    with pytest.raises(OutputError, match=r"did not finish the picture within 0\.5 seconds"):
        render_svg(SIMPLE, timeout_seconds=0.5)


def test_a_picture_too_large_for_any_browser_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(svg, "MOST_CHARACTERS", 10)
    with pytest.raises(OutputError, match="too large to draw"):
        render_svg(SIMPLE)


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("import sys; sys.stderr.write('one\\ncannot read it'); sys.exit(3)", "cannot read it"),
        ("print('half an <svg>')", "no message"),
    ],
)
def test_what_graphviz_says_is_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str, found: str
) -> None:
    broken = _program(tmp_path, lines)
    monkeypatch.setattr(svg, "find_program", lambda: broken)
    with pytest.raises(OutputError) as caught:
        render_svg(SIMPLE)
    assert caught.value.found == found


def test_a_program_that_cannot_start_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(svg, "find_program", lambda: str(tmp_path / "gone"))
    with pytest.raises(OutputError) as caught:
        render_svg(SIMPLE)
    assert caught.value.found == str(tmp_path / "gone")


@pytest.mark.usefixtures("graphviz")
def test_graphviz_refuses_what_is_not_dot() -> None:
    with pytest.raises(OutputError, match="graphviz ended with status"):
        render_svg("digraph {{{")


def test_drawing_loads_neither_numpy_nor_a_graphviz_package() -> None:
    code = (
        "import clika_core.pictures.write, sys; "
        "print([name for name in ('numpy', 'graphviz', 'click', 'yaml') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
