"""Comparing with a golden file, or writing it anew; see README.md here."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

FLAG = "CLIKA_REGENERATE_GOLDEN"


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`golden(name, text)`: `text` is exactly the file `name` beside the test."""

    def check(name: str, text: str) -> None:
        path = Path(request.path).with_name(name)
        if os.environ.get(FLAG) == "1":
            path.write_text(text, encoding="utf-8", newline="\n")
        assert path.is_file(), f"{path} does not exist; write it with {FLAG}=1"
        assert text == path.read_bytes().decode()

    return check
