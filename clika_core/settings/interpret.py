"""From a `Document` to `Settings`: every key checked, every problem collected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from clika_core.errors import Location
from clika_core.settings.document import Document, Entry, MappingNode, Node, SequenceNode
from clika_core.settings.layer import LayerQuantizationSettings, find_contradiction
from clika_core.settings.messages import shorten
from clika_core.settings.model import Settings
from clika_core.settings.name_types import check_name
from clika_core.settings.node_values import describe_node, is_null, item_at, plain_value
from clika_core.settings.problems import Problem, ProblemCollector
from clika_core.settings.renamed import read_renamed
from clika_core.settings.rule import LayerRule
from clika_core.settings.sections import SECTIONS
from clika_core.settings.setting import Setting
from clika_core.settings.source import Source
from clika_core.settings.value_type import InvalidValueError

_LAYERS = "layer_settings"
_INNER = "quantization_settings"


def interpret(document: Document) -> tuple[Settings, tuple[Problem, ...]]:
    """The settings that the document states where it is right, and all its problems, syntax included."""
    interpreter = _Interpreter(document.source)
    if document.root is not None:
        interpreter.read_root(document.root)
    return interpreter.settings, (*document.problems, *interpreter.problems.collected)


class _Interpreter:
    """Fills `settings` and `problems`."""

    def __init__(self, source: Source) -> None:
        self.settings = Settings()
        self.problems = ProblemCollector(source)
        self._source = source

    def read_root(self, root: Node) -> None:
        """Read all sections; an empty file says nothing."""
        if is_null(root):
            return
        if not isinstance(root, MappingNode):
            self.problems.add_value("the whole file", root.span, describe_node(root), "sections as a mapping")
            return
        for entry in root.entries:
            if entry.key == _LAYERS:
                self._read_layers(entry)
            elif entry.key in SECTIONS:
                self._read_section(entry)
            else:
                self._add_unknown("the settings file", entry, [*SECTIONS, _LAYERS])

    def _read_section(self, section: Entry) -> None:
        """Set the keys of one section; an empty one has its defaults."""
        target = self.settings.section(section.key)
        current = read_renamed(section, target, self.problems, self._source)
        accepted, _ = self._checked(section.key, current, target.keys)
        for value, entry in accepted:
            target.assign(entry.key, value, self._source.location(entry.value.span))

    def _read_layers(self, section: Entry) -> None:
        """Add a rule for every selector."""
        for layer in self._entries(_LAYERS, section) or ():
            try:
                check_name(layer.key, "the name of a layer, or another selector")
            except InvalidValueError as error:
                self.problems.add_value(f"a key of {_LAYERS}", layer.key_span, error.found, error.expected)
                continue
            for inner in self._entries(_owner(layer), layer, may_be_null=False) or ():
                self._read_layer_key(layer, inner)

    def _read_layer_key(self, layer: Entry, inner: Entry) -> None:
        """Read the one key that the settings of a selector have."""
        owner = _owner(layer)
        if inner.key in LayerQuantizationSettings.keys:
            self._add_unknown(owner, inner, [], fix=f"put it under {_INNER}")
        elif inner.key != _INNER:
            self._add_unknown(owner, inner, [_INNER])
        else:
            self._read_rule(layer, inner)

    def _read_rule(self, layer: Entry, inner: Entry) -> None:
        """Check the values of one rule and add it, unless something is wrong with it."""
        owner = f"{_owner(layer)}.{_INNER}"
        keys = LayerQuantizationSettings.keys
        accepted, is_right = self._checked(owner, inner, keys, may_be_null=False)
        if not is_right:
            return
        values = {entry.key: value for value, entry in accepted}
        wrong = find_contradiction(values)
        if wrong is not None:
            span = next(entry.key_span for _, entry in accepted if entry.key == wrong.key)
            self.problems.add_value(f"{owner}.{wrong.key}", span, wrong.found, wrong.expected, wrong.fix)
            return
        rule = LayerQuantizationSettings.from_checked(values)
        places = self._places(entry for _, entry in accepted)
        self.settings.set_rule(LayerRule(layer.key, rule, self._source.location(layer.key_span), places))

    def _checked(
        self, owner: str, mapping: Entry, known: Mapping[str, Setting[Any]], *, may_be_null: bool = True
    ) -> tuple[list[tuple[Any, Entry]], bool]:
        """The accepted values of a mapping with their entries, and whether all was right."""
        accepted = []
        entries = self._entries(owner, mapping, may_be_null=may_be_null)
        for entry in entries or ():
            if entry.key not in known:
                self._add_unknown(owner, entry, list(known))
                continue
            value_type = known[entry.key].value_type
            try:
                accepted.append((value_type.check(plain_value(entry.value, value_type)), entry))
            except InvalidValueError as error:
                span = item_at(entry.value, error.item).span
                self.problems.add_value(f"{owner}.{entry.key}", span, error.found, error.expected, error.fix)
        return accepted, entries is not None and len(accepted) == len(entries)

    def _entries(self, owner: str, entry: Entry, *, may_be_null: bool = True) -> tuple[Entry, ...] | None:
        """The entries of a mapping; none for null where that is allowed; a problem and None for anything else."""
        node = entry.value
        if isinstance(node, MappingNode):
            return node.entries
        if may_be_null and is_null(node):
            return ()
        self.problems.add_value(owner, node.span, describe_node(node), "a mapping")
        return None

    def _places(self, entries: Iterable[Entry]) -> dict[str, Location]:
        """Where the values of keys and their list entries stand."""
        spans = {}
        for entry in entries:
            spans[entry.key] = entry.value.span
            if isinstance(entry.value, SequenceNode):
                spans |= {f"{entry.key}[{i}]": item.span for i, item in enumerate(entry.value.items)}
        located = {name: self._source.location(span) for name, span in spans.items()}
        return {name: location for name, location in located.items() if location is not None}

    def _add_unknown(self, owner: str, entry: Entry, known: list[str], fix: str | None = None) -> None:
        """A key that does not exist; the fix may be the section that has it."""
        home = next((name for name, section in SECTIONS.items() if entry.key in section.keys), None)
        if fix is None and home is not None:
            fix = f"move it to {home}"
        self.problems.add_unknown(owner, entry.key, entry.key_span, known, fix)


def _owner(layer: Entry) -> str:
    """How messages name the settings of a selector."""
    return f"{_LAYERS}[{shorten(repr(layer.key))}]"
