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
        for key, value in self._checked(section.key, section, target.keys).items():
            target.assign(key, value[0], self._source.location(value[1].value.span))

    def _read_layers(self, section: Entry) -> None:
        """Add a rule for every selector."""
        for layer in self._entries(_LAYERS, section):
            try:
                check_name(layer.key, "the name of a layer, or another selector")
            except InvalidValueError as error:
                self.problems.add_value(f"a key of {_LAYERS}", layer.key_span, error.found, error.expected)
                continue
            for inner in self._entries(_owner(layer), layer, may_be_null=False):
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
        num_problems = len(self.problems.collected)
        checked = self._checked(owner, inner, LayerQuantizationSettings.keys, may_be_null=False)
        if len(self.problems.collected) > num_problems:
            return
        values = {key: value for key, (value, _) in checked.items()}
        wrong = find_contradiction(values)
        if wrong is not None:
            span = checked[wrong.key][1].key_span
            self.problems.add_value(f"{owner}.{wrong.key}", span, wrong.found, wrong.expected, wrong.fix)
            return
        rule = LayerQuantizationSettings.from_checked(values)
        places = self._places(entry for _, entry in checked.values())
        self.settings.set_rule(LayerRule(layer.key, rule, self._source.location(layer.key_span), places))

    def _checked(
        self, owner: str, entry: Entry, known: Mapping[str, Setting[Any]], *, may_be_null: bool = True
    ) -> dict[str, tuple[Any, Entry]]:
        """The accepted keys of a mapping with their values and entries; problems for the others."""
        accepted = {}
        for inner in self._entries(owner, entry, may_be_null=may_be_null):
            if inner.key not in known:
                self._add_unknown(owner, inner, list(known))
                continue
            value_type = known[inner.key].value_type
            try:
                accepted[inner.key] = (value_type.check(plain_value(inner.value, value_type)), inner)
            except InvalidValueError as error:
                span = item_at(inner.value, error.item).span
                self.problems.add_value(f"{owner}.{inner.key}", span, error.found, error.expected, error.fix)
        return accepted

    def _entries(self, owner: str, entry: Entry, *, may_be_null: bool = True) -> tuple[Entry, ...]:
        """The entries of a mapping; none for null where that is allowed, a problem for anything else."""
        node = entry.value
        if isinstance(node, MappingNode):
            return node.entries
        if not (may_be_null and is_null(node)):
            self.problems.add_value(owner, node.span, describe_node(node), "a mapping")
        return ()

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
