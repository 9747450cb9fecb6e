"""The line of a file that a finding is about, with a caret under the span."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from clika_core.settings.source import Source
from clika_linter.formats.style import Style, printable, width
from clika_linter.reported import Region

_SHOWN: Final = 100  # characters of a line
_BEFORE: Final = 40  # of them before the span, where the line is cut


def excerpt(
    texts: Mapping[str, str], file: str, region: Region | None, style: Style, kind: str, digits: int = 0
) -> Sequence[str]:
    """Three lines to print: a gap, the line, the caret; none where the place or the text is not known.

    Line numbers take at least `digits` characters.
    """
    lines = _lines(texts.get(file, ""))
    if region is None or not 1 <= region.line <= len(lines):
        return ()
    line = lines[region.line - 1]
    first = min(region.column - 1, len(line))
    last = region.end_column - 1 if region.end_line == region.line else len(line)
    cut = max(0, first - _BEFORE) if len(line) > _SHOWN else 0
    shown = line[cut : cut + _SHOWN]
    lead = "..." if cut else ""
    before = width(lead + printable(shown[: first - cut]))
    under = width(printable(shown[first - cut : max(first, last) - cut])) if region.is_exact else 0
    number = str(region.line).rjust(digits)
    gutter = " " * len(number)
    bar = style.paint("place", "|")
    tail = "..." if cut + _SHOWN < len(line) else ""
    return (
        f"{gutter} {bar}",
        f"{style.paint('place', number)} {bar} {lead}{printable(shown)}{tail}".rstrip(),
        f"{gutter} {bar} {' ' * before}{style.paint(kind, '^' * max(1, under))}",
    )


@cache
def _lines(text: str) -> list[str]:
    return Source("", text).lines
