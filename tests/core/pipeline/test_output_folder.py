"""The output folder appears whole or not at all; one that is in use is not touched unless asked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clika_core.errors import OutputError
from clika_core.pipeline.output_folder import output_folder


def fill(folder: Path, text: str = "new") -> None:
    (folder / "inner").mkdir()
    (folder / "inner" / "file").write_text(text)


def content(folder: Path) -> str:
    return (folder / "inner" / "file").read_text()


def fail_half_way(target: Path) -> None:
    with output_folder(target, overwrite=True) as folder:
        fill(folder)
        raise RuntimeError("half way")


def be_overtaken(target: Path) -> None:
    with output_folder(target) as folder:
        fill(folder)
        target.mkdir()
        fill(target, "theirs")


@pytest.mark.parametrize("exists", [False, True])
def test_a_new_or_empty_folder_is_filled(tmp_path: Path, exists: bool) -> None:
    target = tmp_path / "a" / "outputs"
    if exists:
        target.mkdir(parents=True)
    with output_folder(target) as folder:
        assert folder.parent == target.parent
        fill(folder)
        assert not target.exists() or not any(target.iterdir())
    assert content(target) == "new"
    assert os.listdir(target.parent) == ["outputs"]
    assert target.stat().st_mode & 0o777 == 0o755


def test_a_used_folder_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    target = tmp_path / "outputs"
    target.mkdir()
    fill(target, "old")
    with pytest.raises(OutputError, match="is in use") as error, output_folder(target):
        pytest.fail("the block must not run")
    assert error.value.fix is not None
    assert "--overwrite" in error.value.fix
    assert content(target) == "old"


def test_a_used_folder_is_replaced_as_a_whole_on_request(tmp_path: Path) -> None:
    target = tmp_path / "outputs"
    target.mkdir()
    (target / "stale").write_text("old")
    with output_folder(target, overwrite=True) as folder:
        fill(folder)
        assert (target / "stale").exists()
    assert content(target) == "new"
    assert not (target / "stale").exists()
    assert os.listdir(tmp_path) == ["outputs"]


@pytest.mark.parametrize("is_used", [False, True])
def test_after_an_error_everything_is_as_it_was(tmp_path: Path, is_used: bool) -> None:
    target = tmp_path / "outputs"
    if is_used:
        target.mkdir()
        fill(target, "old")
    with pytest.raises(RuntimeError, match="half way"):
        fail_half_way(target)
    assert os.listdir(tmp_path) == (["outputs"] if is_used else [])
    assert not is_used or content(target) == "old"


def test_a_folder_that_somebody_fills_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "outputs"
    with pytest.raises(OutputError, match="is in use"):
        be_overtaken(target)
    assert content(target) == "theirs"
    assert os.listdir(tmp_path) == ["outputs"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "outputs").write_text("")
    with pytest.raises(OutputError, match="is a file"), output_folder(tmp_path / "outputs", overwrite=True):
        pytest.fail("the block must not run")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(OutputError, match="cannot write beside"),
        output_folder(tmp_path / "file" / "outputs"),
    ):
        pytest.fail("the block must not run")
