"""How far the parts of a settings file reach: the tree of a `Document` keeps starts, this finds the ends."""

from __future__ import annotations

import re

from clika_core.settings.document import Entry, MappingNode, Node, ScalarNode
from clika_core.settings.source import Span

_TO_CLOSER = re.compile(r"(?:[ \t\r\n,]|(?:(?<=\s)#[^\r\n]*))*([\]}])")
_LINE_END = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)?")


def is_flow(node: Node, text: str) -> bool:
    """Whether a list or mapping is written in brackets."""
    return node.span is not None and text[node.span.start : node.span.start + 1] in ("{", "[")


def end_of(node: Node, text: str) -> int | None:
    """The position after the last character of `node`; None where it cannot be told."""
    if node.span is None or not node.span.is_exact:
        return None
    if isinstance(node, ScalarNode):
        return node.span.end
    children = [entry.value for entry in node.entries] if isinstance(node, MappingNode) else node.items
    ends = [end_of(child, text) for child in children]
    if None in ends:
        return None
    known = [end for end in ends if end is not None]
    if isinstance(node, MappingNode):
        known += [entry.key_span.end for entry in node.entries if entry.key_span]
    if not is_flow(node, text):
        return max(known, default=node.span.end)
    closer = _TO_CLOSER.match(text, max(known, default=node.span.start + 1))
    return closer.end() if closer else None


def end_of_entry(entry: Entry, text: str) -> int | None:
    """The position after an entry's value; for a key without one, after its colon."""
    if entry.key_span is None or not entry.key_span.is_exact:
        return None
    end = end_of(entry.value, text)
    return None if end is None or end < entry.key_span.end else end


def line_start(text: str, position: int) -> int:
    """Where the line of `position` begins."""
    return max(text.rfind("\n", 0, position), text.rfind("\r", 0, position)) + 1


def after_line(text: str, position: int) -> int:
    """Where the line after that of `position` begins; `position` itself where it begins a line already."""
    if position and text[position - 1] in "\r\n":
        return position
    found = _LINE_END.match(text, position)
    return found.end() if found else len(text)


def indentation(text: str, span: Span) -> str | None:
    """The spaces before `span`, if there is nothing else on the line before it."""
    before = text[line_start(text, span.start) : span.start]
    return before if not before.strip(" ") else None


def line_break_of(text: str) -> str:
    """How the file ends its lines."""
    return "\r\n" if "\r\n" in text else "\n"
