"""Reads a snapshot that is as this program writes it, in a third of the time that the strict readers take.

Anything unusual makes it give up, and the readers of `snapshot_parts` read again: they take the same documents and
more, and say what is wrong where.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from math import isfinite
from types import MappingProxyType
from typing import Any, Final

from clika_core.errors import Location
from clika_core.ir.graph import AttributeValue, InputPort, Node, Primitive, Shape, Value, Weight
from clika_core.ir.readers import DEEPEST_ATTRIBUTE, LARGEST, NON_FINITE, Mismatch, is_count, shape, sizes
from clika_core.ir.snapshot_parts import KINDS, MAX_NODES, Document

_KEY_END: Final = '": '  # as written after every key, and nowhere else unless a text holds a quotation mark
_NODE: Final = [
    *"name type kind aliases path source inputs outputs attributes weights body removed".split(),
]
_PORT: Final = ["producer", "port", "role"]
_VALUE: Final = ["dtype", "shape", "example_shape"]
_WEIGHT: Final = ["role", "shape", "dtype", "identity"]
_PRIMITIVE: Final = ["type", "framework_name"]
_LOCATION: Final = ["file", "line", "column"]
_REMOVED: Final = ["into"]
_SIZES: Final = frozenset({int, str})
_SCALARS: Final = frozenset({str, bool, type(None)})


class _UnusualError(Exception):
    """Something that the strict readers must judge."""


def read_quickly(text: str) -> Document | None:
    """The parts of the snapshot in `text`; None where only the strict readers can tell what it is."""
    if '\\"' in text or "\\u" in text:  # a text with a quotation mark, or perhaps half a character
        return None
    try:
        reader = _Reader()
        found = reader.document(json.loads(text, parse_constant=_refuse))
    except (ValueError, TypeError, AttributeError, RecursionError, Mismatch, _UnusualError):
        return None
    return found if reader.num_keys == text.count(_KEY_END) else None  # else a key stands twice


class _Reader:
    """Makes the parts of one file. Counts keys, and remembers shapes found right: most layers share a few."""

    def __init__(self) -> None:
        self.num_keys = 0
        self._shapes: dict[tuple[Any, ...], Shape] = {}

    def document(self, found: Any) -> Document:
        """The parts of the whole file."""
        _demand(type(found) is dict and tuple(found) == Document._fields)
        made = Document(*found.values())
        self.num_keys += len(found)
        nodes = _list(made.nodes)
        inputs, outputs = tuple(_list(made.inputs)), tuple(_list(made.outputs))
        _demand(len(nodes) <= MAX_NODES and is_count(made.version))
        _demand(all(map(_is_word, (made.format, made.fingerprint, *inputs, *outputs))))
        _demand(all(type(text) is str for text in (made.name, made.backend, made.framework_version)))
        read = tuple([self._node(node) for node in nodes])
        return made._replace(inputs=inputs, outputs=outputs, nodes=read)

    def _node(self, found: Any) -> Node:
        _demand([*found] == _NODE)
        name, type_name, kind, aliases, path, source, inputs, outputs, attributes, weights, body, removed = (
            found.values()
        )
        _demand(_is_word(name) and _is_word(type_name) and (path is None or _is_word(path)))
        _demand(type(aliases) is list and all(map(_is_word, aliases)))
        self.num_keys += len(_NODE) + 3 * len(inputs) + 3 * len(outputs) + 4 * len(weights) + 2 * len(body)
        if removed is not None:
            self._removal(removed)
        return Node(
            name,
            type_name,
            KINDS[kind] if kind in KINDS else _refuse(kind),
            tuple([_port(port) for port in _list(inputs)]),
            tuple([self._value(value) for value in _list(outputs)]),
            self._attributes(attributes),
            tuple([self._weight(weight) for weight in _list(weights)]),
            path,
            tuple(aliases),
            None if source is None else self._location(source),
            tuple([_primitive(part) for part in _list(body)]),
        )

    def _value(self, found: Any) -> Value:
        if [*found] != _VALUE:
            raise _UnusualError
        dtype, free, example = found.values()
        if type(dtype) is not str or not dtype:
            raise _UnusualError
        return Value(dtype, self._shape(free, shape), self._shape(example, sizes))  # type: ignore[arg-type]

    def _weight(self, found: Any) -> Weight:
        if [*found] != _WEIGHT:
            raise _UnusualError
        role, dimensions, dtype, identity = found.values()
        if type(identity) is not str or not _is_word(role) or not _is_word(dtype):
            raise _UnusualError
        return Weight(role, self._shape(dimensions, sizes), dtype, identity)  # type: ignore[arg-type]

    def _shape(self, found: Any, read: Callable[[Any], Shape]) -> Shape:
        if type(found) is not list or not _SIZES.issuperset(map(type, found)):
            raise _UnusualError
        key = (read, *found)
        known = self._shapes.get(key)
        if known is None:
            known = self._shapes[key] = read(found)
        return known

    def _attributes(self, found: Any) -> Mapping[str, AttributeValue]:
        _demand(type(found) is dict)
        self.num_keys += len(found)
        return MappingProxyType({key: self._attribute(value) for key, value in found.items()})

    def _attribute(self, value: Any, depth: int = 0) -> AttributeValue:
        kind = type(value)
        if kind in _SCALARS or (kind is int and -LARGEST <= value <= LARGEST):
            return value  # type: ignore[no-any-return]
        if kind is list and depth <= DEEPEST_ATTRIBUTE:
            return tuple([self._attribute(item, depth + 1) for item in value])
        if kind is dict and [*value] == ["float"] and value["float"] in NON_FINITE:
            self.num_keys += 1
            return NON_FINITE[value["float"]]
        _demand(kind is float and isfinite(value))
        return value  # type: ignore[no-any-return]

    def _location(self, found: Any) -> Location:
        _demand([*found] == _LOCATION)
        self.num_keys += len(_LOCATION)
        file, line, column = found.values()
        _demand(type(file) is str and is_count(line) and is_count(column))
        return Location(file, line, column)

    def _removal(self, found: Any) -> None:
        """What is removed follows from the nodes, and is not kept."""
        _demand([*found] == _REMOVED and (found["into"] is None or _is_word(found["into"])))
        self.num_keys += len(_REMOVED)


def _port(found: Any) -> InputPort:
    if [*found] != _PORT:
        raise _UnusualError
    producer, port, role = found.values()
    if type(producer) is not str or not producer or type(role) is not str or not role or not is_count(port):
        raise _UnusualError
    return InputPort(producer, port, role)


def _primitive(found: Any) -> Primitive:
    _demand([*found] == _PRIMITIVE)
    type_name, framework_name = found.values()
    _demand(_is_word(type_name) and type(framework_name) is str)
    return Primitive(type_name, framework_name)


def _demand(is_usual: bool) -> None:
    if not is_usual:
        raise _UnusualError


def _refuse(_: Any) -> Any:
    raise _UnusualError


def _is_word(found: Any) -> bool:
    return type(found) is str and bool(found)


def _list(found: Any) -> list[Any]:
    if type(found) is not list:
        raise _UnusualError
    return found
