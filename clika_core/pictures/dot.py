"""DOT as small frozen values: nodes, edges, a graph, and their text. Needs no graphviz.

Nodes and edges keep the order they are given in, because layout follows it; attributes are sorted. The same
value gives the same text. Names come from files: every text is escaped, here or in `pictures.markup`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Markup:
    """An HTML-like label, its texts escaped; `clika_core.pictures.markup` makes it."""

    text: str


Attributes: TypeAlias = Mapping[str, "str | Markup"]
_NONE: Attributes = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class DotNode:
    """A node; `id` is any text."""

    id: str
    attributes: Attributes = field(default_factory=lambda: _NONE)


@dataclass(frozen=True, slots=True)
class DotEdge:
    """An arrow between two nodes, given by their ids."""

    tail: str
    head: str
    attributes: Attributes = field(default_factory=lambda: _NONE)


@dataclass(frozen=True, slots=True)
class DotGraph:
    """A directed graph. Raises ValueError unless ids are unique and every edge joins two of its nodes."""

    nodes: tuple[DotNode, ...] = ()
    edges: tuple[DotEdge, ...] = ()
    attributes: Attributes = field(default_factory=lambda: _NONE)
    node_attributes: Attributes = field(default_factory=lambda: _NONE)
    edge_attributes: Attributes = field(default_factory=lambda: _NONE)
    name: str = "model"

    def __post_init__(self) -> None:
        """Check the ids."""
        ids = {node.id for node in self.nodes}
        if len(ids) != len(self.nodes):
            raise ValueError("two nodes of the picture have one id")
        lost = next((edge for edge in self.edges if not {edge.tail, edge.head} <= ids), None)
        if lost is not None:
            raise ValueError(f"the edge {lost.tail!r} -> {lost.head!r} joins no two nodes of the picture")

    def render(self) -> str:
        """The DOT text, ending in a newline."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"digraph {quote_id(self.name)} {{"
        defaults = (
            ("graph", self.attributes),
            ("node", self.node_attributes),
            ("edge", self.edge_attributes),
        )
        for word, attributes in defaults:
            if attributes:
                yield f"  {word}{_bracketed(attributes)};"
        for node in self.nodes:
            yield f"  {quote_id(node.id)}{_bracketed(node.attributes)};"
        for edge in self.edges:
            yield f"  {quote_id(edge.tail)} -> {quote_id(edge.head)}{_bracketed(edge.attributes)};"
        yield "}"


def visible(text: str) -> str:
    """`text` with everything that does not print (control, bidirectional, lone surrogate) as `\\u{hex}`."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else f"\\u{{{ord(char):x}}}" for char in text)


def quote_id(text: str) -> str:
    """`text` as a DOT identifier: different texts stay different, and no text ends the quotes.

    A leading `%` becomes `\\u{25}`: to graphviz it means a node without a name, each mention another one.
    """
    written = visible(text.replace("\\", "\\\\"))
    return _quoted(f"\\u{{25}}{written[1:]}" if written.startswith("%") else written)


def quote_text(text: str) -> str:
    """`text` as a DOT string that graphviz shows letter by letter; a newline stays a line break."""
    return _quoted("\\n".join(visible(line).replace("\\", "\\\\") for line in text.split("\n")))


def _quoted(text: str) -> str:
    """In quotes. An ampersand becomes an entity: graphviz copies entities into an SVG as they stand."""
    return '"' + text.replace('"', '\\"').replace("&", "&amp;") + '"'


def _bracketed(attributes: Attributes) -> str:
    """` [key=value ...]`, sorted by key; nothing for no attributes."""
    if not attributes:
        return ""
    return " [" + " ".join(f"{key}={_value(attributes[key])}" for key in sorted(attributes)) + "]"


def _value(value: str | Markup) -> str:
    return f"<{value.text}>" if isinstance(value, Markup) else quote_text(value)
