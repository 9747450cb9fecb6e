"""Where things stand in a settings file: the spans of sections, keys, rules and list entries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from clika_core.settings.document import Document, Entry, MappingNode, Node, SequenceNode
from clika_core.settings.source import Span

LAYERS = "layer_settings"
QUANTIZATION = "quantization_settings"


class RulePlace(NamedTuple):
    """Where one entry of `layer_settings` stands: the entry, its `quantization_settings`, and the keys in it."""

    entry: Entry
    inner: Entry | None
    fields: Mapping[str, Entry]

    @property
    def selector_span(self) -> Span | None:
        """The selector's characters, quotes included."""
        return self.entry.key_span

    def value_span(self, key: str, item: int | None = None) -> Span | None:
        """The value of a key, or one entry of its list; else the nearest place that is known."""
        found = self.fields.get(key)
        if found is None:
            return self.selector_span
        value = found.value
        if item is not None and isinstance(value, SequenceNode) and item < len(value.items):
            value = value.items[item]
        return value.span or found.key_span or self.selector_span

    def key_span(self, key: str) -> Span | None:
        """A key's own characters; else the selector's."""
        found = self.fields.get(key)
        return (found.key_span if found else None) or self.selector_span


class Places:
    """Looks up entries of a document; everything is optional, because anything may be missing from a file."""

    def __init__(self, document: Document) -> None:
        """Look into `document`."""
        self.document = document

    @cached_property
    def root(self) -> Mapping[str, Entry]:
        """The sections of the file, by name."""
        return entries_of(self.document.root)

    @cached_property
    def rules(self) -> Mapping[str, RulePlace]:
        """The entries of `layer_settings`, by selector."""
        layers = self.root.get(LAYERS)
        found = {}
        for selector, entry in entries_of(layers.value if layers else None).items():
            inner = entries_of(entry.value).get(QUANTIZATION)
            found[selector] = RulePlace(entry, inner, entries_of(inner.value if inner else None))
        return found

    def key(self, section: str, key: str) -> Entry | None:
        """A key of a section, where the file sets it."""
        found = self.root.get(section)
        return entries_of(found.value if found else None).get(key)

    def value_span(self, section: str, key: str) -> Span | None:
        """The value of a key of a section; None where the file does not set it."""
        entry = self.key(section, key)
        return (entry.value.span or entry.key_span) if entry else None

    def is_shared(self, entry: Entry) -> bool:
        """Whether an alias or a merge key repeats `entry` or its value: an edit would change several places."""
        return id(entry) in self._repeated or id(entry.value) in self._repeated

    @cached_property
    def _repeated(self) -> set[int]:
        seen: set[int] = set()
        repeated: set[int] = set()
        for part in _walk(self.document.root):
            (repeated if id(part) in seen else seen).add(id(part))
        return repeated


def entries_of(node: Node | None) -> dict[str, Entry]:
    """The entries of a mapping by key; none for anything else."""
    return {entry.key: entry for entry in node.entries} if isinstance(node, MappingNode) else {}


def _walk(root: Node | None) -> Iterator[Entry | Node]:
    """Every entry and value as often as the file, written out, holds it; reading the file limited how often."""
    waiting = [root]
    while waiting:
        found = waiting.pop()
        if found is not None:
            yield found
        if isinstance(found, MappingNode):
            yield from found.entries
            waiting += [entry.value for entry in found.entries]
        elif isinstance(found, SequenceNode):
            waiting += found.items
