"""The text of a file, and places in it."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from typing import Final

from clika_core.errors import Location
from clika_core.frozen import frozen

_LINE_BREAK = re.compile("\r\n|\n|\r")  # as editors count lines


@frozen
class Span:
    """The characters `start..end` of a text, `end` excluded, counted from 0.

    Not `is_exact`: the thing meant stands in or after these characters, where exactly is unknown.
    """

    start: int
    end: int
    is_exact: bool = True


FILE_START: Final = Span(0, 0, is_exact=False)  # where problems of a whole file are shown


@frozen(slots=False)
class Source:
    """A file's name as messages print it, and its text without byte order mark."""

    file: str
    text: str

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(line_break.end() for line_break in _LINE_BREAK.finditer(self.text))]

    @cached_property
    def lines(self) -> list[str]:
        """The lines without their ends; line n of a `Location` is `lines[n - 1]`."""
        return _LINE_BREAK.split(self.text)

    def location(self, span: Span | None) -> Location | None:
        """Where `span` starts; None for an unknown place."""
        if span is None:
            return None
        line = bisect_right(self._line_starts, span.start)
        return Location(self.file, line, span.start - self._line_starts[line - 1] + 1)
