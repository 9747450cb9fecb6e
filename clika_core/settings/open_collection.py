"""A list or mapping of a `Document` while it is read."""

from __future__ import annotations

from clika_core.settings.document import Entry, MappingNode, Node, ScalarNode, SequenceNode
from clika_core.settings.source import Span


class OpenCollection:
    """A list or mapping whose end has not come yet; before it came `size_before` values."""

    def __init__(self, is_mapping: bool, span: Span | None, anchor: str | None, size_before: int) -> None:
        """Nothing is in it yet."""
        self.is_mapping, self.span, self.anchor, self.size_before = is_mapping, span, anchor, size_before
        self.items: list[Node] = []
        self.entries: dict[str, Entry] = {}
        self.merged: list[MappingNode] = []
        self.key: ScalarNode | None = None  # read, its value not yet
        self.is_merge = False
        self.is_key_refused = False

    def node(self) -> Node:
        """The complete list or mapping. Own entries come before merged ones, earlier merged ones before later."""
        if not self.is_mapping:
            return SequenceNode(tuple(self.items), self.span)
        entries = dict(self.entries)
        for source in self.merged:
            for entry in source.entries:
                entries.setdefault(entry.key, entry)
        return MappingNode(tuple(entries.values()), self.span)
