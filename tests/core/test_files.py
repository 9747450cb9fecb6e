"""A file is written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from clika_core.files import write_whole


@pytest.mark.parametrize("content", ["naïve\n", "naïve\n".encode()])
def test_text_and_bytes_take_the_place_of_what_was_there(tmp_path: Path, content: str | bytes) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    write_whole(path, content, mode=0o640)
    assert path.read_bytes() == "naïve\n".encode()
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    (path / "kept").write_text("old")
    with pytest.raises(OSError, match="irectory"):
        write_whole(path, "text")
    assert [entry.name for entry in tmp_path.rglob("*")] == ["folder", "kept"]
