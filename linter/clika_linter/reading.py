"""Reads the text of a file for showing lines of it."""

from __future__ import annotations

from typing import Final

MAX_BYTES: Final = 16 * 2**20


def readable_text(file: str) -> str:
    """The text as a `Source` counts it: without byte order mark, line ends as they are; empty where there is none."""
    try:
        with open(file, "rb") as stream:
            return stream.read(MAX_BYTES).decode("utf-8-sig", errors="replace")
    except OSError:
        return ""
