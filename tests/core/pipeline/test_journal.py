"""Everyone who listens hears what they want to hear, and the log hears all of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clika_core.errors import OutputError
from clika_core.pipeline.journal import Journal, Level
from clika_core.pipeline.log_file import logged_to
from clika_core.pipeline.user_code import iterate_as_theirs


def said(journal: Journal) -> None:
    journal.detail("a layer")
    journal.info("a score")
    journal.step("calibrate")
    journal.note("look")


def test_a_function_hears_steps_and_notes() -> None:
    heard: list[str] = []
    said(Journal.of(heard.append))
    assert heard == ["calibrate", "note: look"]


def test_a_journal_stays_itself_and_none_is_silent() -> None:
    journal = Journal()
    assert Journal.of(journal) is journal
    said(Journal.of(None))


def test_a_listener_hears_every_level_while_its_block_runs() -> None:
    heard: list[tuple[Level, str]] = []
    journal = Journal()
    with journal.heard_by(lambda level, text: heard.append((level, text))):
        said(journal)
    said(journal)
    assert [level.name for level, _ in heard] == ["DETAIL", "INFO", "STEP", "NOTE"]


def test_without_a_tracker_items_go_by_as_they_are() -> None:
    items = [1, 2]
    assert Journal().track(items, "x") is items


def test_the_log_holds_all_of_it_line_by_line(tmp_path: Path) -> None:
    journal = Journal()
    path = tmp_path / "logs" / "run.log"
    with logged_to(path, journal):
        said(journal)
        journal.detail("two\nlines")
    lines = [line.split(maxsplit=1)[1] for line in path.read_text().splitlines()]
    assert lines == [
        "DETAIL a layer",
        "INFO   a score",
        "STEP   calibrate",
        "NOTE   look",
        "DETAIL two",
        "DETAIL lines",
    ]


def test_a_log_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"), logged_to(tmp_path / "file" / "x", Journal()):
        pass


def test_what_the_user_s_iteration_raises_is_told_with_the_batch() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise OSError("disk gone")

    with pytest.raises(Exception, match=r"my data, batch 1 \(counted from 0\), raised OSError") as caught:
        list(iterate_as_theirs(broken(), "my data"))
    assert "disk gone" in str(caught.value)
    assert __file__ in str(caught.value)
