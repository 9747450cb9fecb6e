"""Colours for terminals, and text of files made harmless for them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {"error": "1;31", "warning": "1;33", "info": "1;36", "bold": "1", "dim": "2", "place": "1;34"}
)


class Style:
    """Paints words, or leaves them as they are."""

    def __init__(self, *, is_coloured: bool) -> None:
        """Paint only if asked to."""
        self._is_coloured = is_coloured

    def paint(self, kind: str, text: str) -> str:
        """`text` in the colour of `kind`."""
        return f"\x1b[{_CODES[kind]}m{text}\x1b[0m" if self._is_coloured and text else text


def printable(text: str) -> str:
    """`text` on one line, with every control and format character as `\\x1b`: a file cannot steer the terminal."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else _escaped(sign) for sign in text)


def _escaped(sign: str) -> str:
    return " " if sign == "\t" else ascii(sign)[1:-1]


def width(text: str) -> int:
    """The columns that `text` takes on a terminal."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(sign) else 2 if east_asian_width(sign) in "WF" else 1 for sign in text)
