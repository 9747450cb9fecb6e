"""A list or mapping of a `Document` while it is read."""

from __future__ import annotations

from dataclasses import dataclass, field

from clika_core.settings.document import Entry, MappingNode, Node, ScalarNode, SequenceNode
from clika_core.settings.source import Span


@dataclass(slots=True)
class OpenCollection:
    """A list or mapping whose end has not come yet; before it came `size_before` values."""

    is_mapping: bool
    span: Span | None
    anchor: str | None
    size_before: int
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    merged: list[MappingNode] = field(default_factory=list)
    key: ScalarNode | None = None  # read, its value not yet
    is_merge: bool = False
    is_key_refused: bool = False

    def node(self) -> Node:
        """The complete list or mapping. Own entries come before merged ones, earlier merged ones before later."""
        if not self.is_mapping:
            return SequenceNode(tuple(self.items), self.span)
        entries = dict(self.entries)
        for source in self.merged:
            for entry in source.entries:
                entries.setdefault(entry.key, entry)
        return MappingNode(tuple(entries.values()), self.span)
