"""The four files of an output folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from clika_core.errors import OutputError
from clika_core.pictures import svg
from clika_core.pictures.write import replace_file, write_pictures
from clika_core.planning.plan import Plan
from tests.core.pictures.networks import residual
from tests.core.pictures.texts import texts_of_svg


@pytest.fixture(scope="module")
def plan() -> Plan:
    return residual()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.usefixtures("graphviz")
def test_both_pictures_are_written_as_dot_and_svg(tmp_path: Path, plan: Plan) -> None:
    written = write_pictures(tmp_path, plan.graph, plan)
    assert written.note is None
    assert sorted(path.name for path in written.paths) == names(tmp_path)
    assert names(tmp_path) == [
        "model_init.dot",
        "model_init.svg",
        "model_post_preprocessing.dot",
        "model_post_preprocessing.svg",
    ]
    texts = texts_of_svg((tmp_path / "model_post_preprocessing.svg").read_text(encoding="utf-8"))
    assert "why: rule conv_2 (settings.yaml:18)" in texts


def test_without_graphviz_the_dot_files_are_written_and_one_line_says_why(
    tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(svg, "find_program", lambda: None)
    written = write_pictures(tmp_path, plan.graph, plan)
    assert names(tmp_path) == ["model_init.dot", "model_post_preprocessing.dot"]
    assert written.note == (
        "pictures are DOT only: no graphviz found to draw an SVG with "
        '(pip install "clika-core[pictures]", or write a .dot file instead)'
    )


def test_an_older_svg_does_not_stay_beside_a_newer_dot(
    tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model_init.svg").write_text("old")
    monkeypatch.setattr(svg, "find_program", lambda: None)
    write_pictures(tmp_path, plan.graph, plan)
    assert "model_init.svg" not in names(tmp_path)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "picture.dot"
    path.write_text("old")
    assert replace_file(path, "naïve\n") == path
    assert path.read_bytes() == "naïve\n".encode()
    assert names(tmp_path) == ["picture.dot"]


def test_a_place_that_cannot_be_written_is_named_and_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "picture.dot").mkdir()
    with pytest.raises(OutputError, match=r"cannot write .*picture\.dot"):
        replace_file(tmp_path / "picture.dot", "text")
    with pytest.raises(OutputError, match=r"cannot write .*nowhere"):
        replace_file(tmp_path / "nowhere" / "picture.dot", "text")
    assert names(tmp_path) == ["picture.dot"]
