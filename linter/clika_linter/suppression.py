"""Comments that suppress findings: `# clika: ignore[CLK204] reason` and `# clika: ignore-file[CLK101] reason`."""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from clika_core.settings.document import Document, MappingNode, Node, ScalarNode, SequenceNode
from clika_core.settings.source import Span

_COMMENT = re.compile(
    r"#[ \t]*clika:[ \t]*(?P<kind>ignore-file|ignore)\b[ \t]*(?:\[(?P<codes>[^\]\r\n]*)\])?[ \t]*(?P<reason>[^\r\n]*)"
)
_CODE = re.compile(r"[^\s,]+")
_EMPTY_OR_COMMENT = re.compile(r"[ \t]*(#.*)?")


class Suppression(NamedTuple):
    """One comment: `span` is all of it; `codes` are codes or names of rules with their spans.

    `line` is the line whose findings it suppresses, None for the whole file.
    """

    span: Span
    codes: tuple[tuple[str, Span], ...]
    reason: str
    line: int | None


def find_suppressions(document: Document) -> list[Suppression]:
    """The suppressions of a file in order; what looks like one inside a text is none."""
    text = document.source.text
    if "clika:" not in text:
        return []
    matches = list(_COMMENT.finditer(text))
    texts = sorted(_scalar_spans(document.root)) if matches else []
    return [
        _suppression(document, match)
        for match in matches
        if _is_comment(text, match.start()) and not _is_inside(match.start(), texts)
    ]


def _suppression(document: Document, match: re.Match[str]) -> Suppression:
    start = match.start("codes")
    codes = tuple(
        (code[0], Span(start + code.start(), start + code.end()))
        for code in _CODE.finditer(match["codes"] or "")
    )
    span = Span(match.start(), match.start() + len(match[0].rstrip()))
    line = _line_of(document, span.start) if match["kind"] == "ignore" else None
    return Suppression(span, codes, match["reason"].strip(), line)


def _line_of(document: Document, start: int) -> int:
    """The comment's own line; for one that stands alone, the next line with content."""
    place = document.source.location(Span(start, start))
    line, column = (place.line, place.column) if place else (1, 1)
    lines = document.source.lines
    if lines[line - 1][: column - 1].strip():
        return line
    after = range(line, len(lines))
    return next((n + 1 for n in after if not _EMPTY_OR_COMMENT.fullmatch(lines[n])), line)


def _is_inside(start: int, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether a position lies in one of the spans, which are sorted and do not overlap."""
    before = bisect_right(spans, (start, sys.maxsize)) - 1
    return before >= 0 and start < spans[before][1]


def _is_comment(text: str, start: int) -> bool:
    """A comment begins a line or follows a space, as YAML has it."""
    return start == 0 or text[start - 1].isspace()


def _scalar_spans(root: Node | None) -> list[tuple[int, int]]:
    return [(span.start, span.end) for span in _spans(root) if span.is_exact]


def _spans(root: Node | None) -> Iterator[Span]:
    """Of keys and single values."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ScalarNode) and node.span:
            yield node.span
        elif isinstance(node, SequenceNode):
            waiting += node.items
        elif isinstance(node, MappingNode):
            yield from (entry.key_span for entry in node.entries if entry.key_span)
            waiting += [entry.value for entry in node.entries]
