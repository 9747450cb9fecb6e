"""Texts that fit: bounded in length and in number of lines, and saying so where something is left out.

Lengths are those of what a reader sees: a character that does not print counts as its code.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Final

from clika_core.pictures.dot import visible

LINE_CHARACTERS: Final = 46
NAME_CHARACTERS: Final = 34
MOST_LINES: Final = 6
MOST_NAMES: Final = 3


def shorten(text: str, limit: int = LINE_CHARACTERS) -> str:
    """`text` with its middle replaced by an ellipsis where it is longer than `limit` characters."""
    seen = visible(text)
    if len(seen) <= limit:
        return seen
    head = (limit - 1) // 2
    return f"{seen[:head]}…{seen[len(seen) - (limit - 1 - head) :]}"


def shorten_start(text: str, limit: int) -> str:
    """`text` with its beginning replaced: the end of a path is what tells layers apart."""
    seen = visible(text)
    return seen if len(seen) <= limit else f"…{seen[len(seen) - limit + 1 :]}"


def bounded(lines: Iterable[str], most: int = MOST_LINES) -> list[str]:
    """At most `most` lines, the last one counting what is missing."""
    found = list(lines)
    return found if len(found) <= most else [*found[: most - 1], f"… {len(found) - most + 1} more"]


def wrapped(text: str) -> list[str]:
    """`text` broken at spaces into lines that fit; a longer word is broken too."""
    return bounded(textwrap.wrap(visible(text), LINE_CHARACTERS, break_on_hyphens=False))


def joined(items: Iterable[str]) -> list[str]:
    """Items joined by commas into lines that fit, broken between items; a long item is shortened."""
    lines: list[str] = []
    for item in map(shorten, items):
        if lines and len(lines[-1]) + len(item) + 2 <= LINE_CHARACTERS:
            lines[-1] += f", {item}"
        else:
            lines.append(item)
    return bounded(lines)


def named(names: Sequence[str]) -> str:
    """`a, b, c and 4 more`."""
    shown = ", ".join(shorten(name, NAME_CHARACTERS) for name in names[:MOST_NAMES])
    rest = len(names) - MOST_NAMES
    return f"{shown} and {rest} more" if rest > 0 else shown
