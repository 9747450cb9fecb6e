"""`Editor`: the edits of fixes. They keep comments, quotes, order and indentation of everything else.

Every method returns the edits, or None where the text cannot be changed without changing something else too: a
value that an alias repeats, a key that is written twice, or a TOML value whose place is not known. A rule then
reports without a fix.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise

from clika_core.errors import SettingsError
from clika_core.settings.document import Entry, MappingNode, Node
from clika_core.settings.load import Format, format_of
from clika_core.settings.node_values import is_null
from clika_core.settings.source import Span
from clika_linter.extent import after_line, end_of_entry, indentation, is_flow, line_break_of, line_start
from clika_linter.finding import Edit
from clika_linter.insertion import insert_block, insert_flow, layers_text, rule_text
from clika_linter.places import LAYERS, QUANTIZATION, Places
from clika_linter.spelling import spell_like, spell_name, spell_value

_NEXT_COMMA = re.compile(r"[ \t\r\n]*,[ \t]*(?:\r\n|\n|\r)?[ \t]*")
_LAST_COMMA = re.compile(r",[ \t\r\n]*$")

Edits = tuple[Edit, ...]


class Editor:
    """Makes edits on the text of one settings file."""

    def __init__(self, places: Places) -> None:
        """Work on the document of `places`."""
        self._places = places
        self._text = places.document.source.text

    @cached_property
    def syntax(self) -> Format:
        """The format of the file; YAML for a name without a known suffix."""
        try:
            return format_of(self._places.document.source.file)
        except SettingsError:
            return Format.YAML

    def replace_name(self, span: Span | None, name: str) -> Edits | None:
        """Put the text `name` in place of a key or list entry, in the same quotes."""
        if span is None or not span.is_exact:
            return None
        old = self._text[span.start : span.end]
        return (Edit(span.start, span.end, spell_like(old, name, self.syntax)),)

    def replace_value(self, entry: Entry, value: object) -> Edits | None:
        """Put `value` in place of the value of `entry`."""
        end = end_of_entry(entry, self._text)
        if end is None or entry.value.span is None or self._places.is_shared(entry):
            return None
        gap = " " if self._text[entry.value.span.start - 1] == ":" else ""
        return (Edit(entry.value.span.start, end, gap + spell_value(value, self.syntax)),)

    def remove_rule(self, selector: str) -> Edits | None:
        """Remove the whole entry of `selector` from `layer_settings`."""
        layers = self._places.root.get(LAYERS)
        place = self._places.rules.get(selector)
        return self._remove(layers.value, place.entry) if layers and place else None

    def remove_field(self, selector: str, *keys: str) -> Edits | None:
        """Remove keys of a rule; the rule itself where nothing would be left of it."""
        place = self._places.rules.get(selector)
        if place is None or place.inner is None or self._places.is_shared(place.inner):
            return None
        if set(place.fields) <= set(keys):
            return self.remove_rule(selector)
        removed = [self._remove(place.inner.value, place.fields[key]) for key in keys if key in place.fields]
        return _joined(removed)

    def remove_key(self, section: str, key: str) -> Edits | None:
        """Remove a key of a section."""
        found = self._places.root.get(section)
        entry = self._places.key(section, key)
        return self._remove(found.value, entry) if found and entry else None

    def set_key(self, section: str, key: str, value: object) -> Edits | None:
        """Set a key of a section: its value replaced, or the key added; the section too where it is missing."""
        entry = self._places.key(section, key)
        if entry is not None:
            return self.replace_value(entry, value)
        found = self._places.root.get(section)
        if found is not None:
            return self._add(found, {key: value})
        return self._append_section(section, {key: value})

    def set_field(self, selector: str, key: str, value: object) -> Edits | None:
        """Set a key of the rule of `selector`: replaced, or added; the rule too where it is missing."""
        place = self._places.rules.get(selector)
        if place is None:
            return self.add_rule(selector, {key: value})
        if key in place.fields:
            return self.replace_value(place.fields[key], value)
        return self._add(place.inner, {key: value}) if place.inner else None

    def add_rule(self, selector: str, values: Mapping[str, object]) -> Edits | None:
        """Add a rule at the end of `layer_settings`; None if there is one of that selector."""
        if selector in self._places.rules:
            return None
        nested = {selector: {QUANTIZATION: dict(values)}}
        layers = self._places.root.get(LAYERS)
        if self.syntax is Format.TOML:
            header = f"[{LAYERS}.{spell_name(selector, Format.TOML)}.{QUANTIZATION}]"
            return self._append_table(header, values)
        return self._append_section(LAYERS, nested) if layers is None else self._add(layers, nested)

    # the pieces

    def _remove(self, parent: Node, entry: Entry) -> Edits | None:
        end = end_of_entry(entry, self._text)
        if self.syntax is Format.TOML or self._places.is_shared(entry):
            return None
        if end is None or entry.key_span is None or not isinstance(parent, MappingNode):
            return None
        if sum(other.key == entry.key for other in parent.entries) > 1:
            return None  # its namesake would count from then on
        if is_flow(parent, self._text):
            return self._remove_flow(entry.key_span.start, end)
        if indentation(self._text, entry.key_span) is None:
            return None
        return (Edit(line_start(self._text, entry.key_span.start), after_line(self._text, end), ""),)

    def _remove_flow(self, start: int, end: int) -> Edits:
        """With the comma after it; the last one with the comma before it."""
        following = _NEXT_COMMA.match(self._text, end)
        if following:
            return (Edit(start, following.end(), ""),)
        before = _LAST_COMMA.search(self._text, max(0, start - 1000), start)
        return (Edit(before.start() if before else start, end, ""),)

    def _add(self, mapping: Entry, values: Mapping[str, object]) -> Edits | None:
        """Entries at the end of the mapping that `mapping` holds; it may be empty or null."""
        if self.syntax is Format.TOML or self._places.is_shared(mapping):
            return None
        node = mapping.value
        if isinstance(node, MappingNode) and is_flow(node, self._text):
            return insert_flow(self._text, node, values, self.syntax)
        if isinstance(node, MappingNode) and node.entries:
            return insert_block(self._text, node, values, self._step)
        return self._fill_null(mapping, values) if is_null(node) else None

    def _fill_null(self, mapping: Entry, values: Mapping[str, object]) -> Edits | None:
        """Entries below a key that has no value yet."""
        end = end_of_entry(mapping, self._text)
        if end is None or mapping.key_span is None or self.syntax is not Format.YAML:
            return None
        own = indentation(self._text, mapping.key_span)
        colon = self._text.find(":", mapping.key_span.end)
        if own is None or colon < 0:
            return None
        newline = line_break_of(self._text)
        at = after_line(self._text, max(end, colon + 1))
        gap = "" if self._text[at - 1] in "\r\n" else newline
        below = Edit(at, at, gap + layers_text(values, own + self._step, self._step, newline))
        return (Edit(colon + 1, end, ""), below) if end > colon + 1 else (below,)

    def _append_section(self, name: str, values: Mapping[str, object]) -> Edits | None:
        """A section at the end of the file."""
        if self.syntax is Format.TOML:
            return self._append_table(f"[{name}]", values)
        root = self._places.document.root
        if isinstance(root, MappingNode) and is_flow(root, self._text):
            return insert_flow(self._text, root, {name: values}, self.syntax)
        if self.syntax is Format.JSON or self._text.rstrip().endswith(("...", "---")):
            return None
        is_block = isinstance(root, MappingNode) and root.entries
        if not is_block and not (root is not None and is_null(root)):
            return None
        if is_block and isinstance(root, MappingNode):
            return insert_block(self._text, root, {name: values}, self._step)
        return self._append(layers_text({name: values}, "", self._step, line_break_of(self._text)))

    def _append_table(self, header: str, values: Mapping[str, object]) -> Edits:
        newline = line_break_of(self._text)
        return self._append(newline.join(["", header, rule_text(values, newline)]))

    def _append(self, addition: str) -> Edits:
        """Text at the very end, on a line of its own."""
        end = len(self._text)
        gap = "" if not self._text or self._text[-1] in "\r\n" else line_break_of(self._text)
        return (Edit(end, end, gap + addition),)

    @cached_property
    def _step(self) -> str:
        """One level of indentation, as the file has it."""
        for section in self._places.root.values():
            if isinstance(section.value, MappingNode) and section.value.entries:
                first = section.value.entries[0].key_span
                spaces = indentation(self._text, first) if first else None
                if spaces and not is_flow(section.value, self._text):
                    return spaces
        return "  "


def _joined(parts: list[Edits | None]) -> Edits | None:
    """All edits together; None where one of them cannot be made or two would overlap."""
    edits = sorted(edit for part in parts if part is not None for edit in part)
    if None in parts or any(a.end > b.start for a, b in pairwise(edits)):
        return None
    return tuple(edits)
