"""Reads JSON (RFC 8259) with the place of every key and value. The depth is the builder's limit."""

from __future__ import annotations

import json
import re
from typing import NoReturn

from clika_core.settings.document import ScalarNode
from clika_core.settings.source import Span
from clika_core.settings.tree_builder import TreeBuilder

_SPACE = re.compile(r"[ \t\n\r]*")
_SCALAR = re.compile(
    r'(?P<text>"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*")'
    r"|(?P<integer>-?(?:0|[1-9][0-9]{0,999})(?![0-9.eE]))"
    r"|(?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)"
    r"|(?P<word>true|false|null)"
)
_WORDS = {"true": True, "false": False, "null": None}


def feed_json(builder: TreeBuilder) -> None:
    """Read the JSON text of `builder.source`; raises UnreadableError. An empty file is no value."""
    reader = _JsonReader(builder)
    if reader.peek():
        reader.value()
    if reader.peek():
        reader.refuse("nothing after the value")


class _JsonReader:
    """Walks the text by recursive descent."""

    def __init__(self, builder: TreeBuilder) -> None:
        self._builder = builder
        self._text = builder.source.text
        self._position = 0

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        space = _SPACE.match(self._text, self._position)
        self._position = space.end() if space else self._position
        return self._text[self._position : self._position + 1]

    def value(self) -> None:
        """Read one value."""
        start = self.peek()
        if start == "{":
            self._collection("}", is_mapping=True)
        elif start == "[":
            self._collection("]", is_mapping=False)
        else:
            self._scalar("a value")

    def refuse(self, expected: str) -> NoReturn:
        """Raise UnreadableError at the current position."""
        found = self.peek()
        span = Span(self._position, self._position + 1)
        what = repr(found) if found else "the end of the file"
        raise self._builder.unreadable(f"the file is not JSON: found {what}, expected {expected}", span)

    def _collection(self, end: str, *, is_mapping: bool) -> None:
        self._builder.open(is_mapping=is_mapping, span=Span(self._position, self._position + 1))
        self._position += 1
        if self.peek() != end:
            self._entry(is_mapping)
            while self.peek() == ",":
                self._position += 1
                self._entry(is_mapping)
        self._expect(end)
        self._builder.close()

    def _entry(self, is_mapping: bool) -> None:
        if is_mapping:
            if self.peek() != '"':
                self.refuse("a key in double quotes")
            self._scalar("a key")
            self._expect(":")
        self.value()

    def _scalar(self, expected: str) -> None:
        self.peek()
        token = _SCALAR.match(self._text, self._position)
        if token is None:
            self.refuse(expected)
        text = token[0]
        value = _WORDS[text] if token["word"] else float(text) if token["number"] else json.loads(text)
        self._builder.scalar(ScalarNode(value, None, Span(*token.span())))
        self._position = token.end()

    def _expect(self, character: str) -> None:
        if self.peek() != character:
            self.refuse(repr(character))
        self._position += 1
