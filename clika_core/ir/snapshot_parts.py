"""The parts of a snapshot as the reader expects them: each key with the reader of its value.

Keys stand in the order in which they are written, and in which the makers take them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from clika_core.errors import Location
from clika_core.ir.graph import AttributeValue, InputPort, Node, NodeKind, Primitive, Value, Weight
from clika_core.ir.readers import (
    Mismatch,
    attribute,
    count,
    mapping_of,
    optional,
    record,
    shape,
    shown,
    sizes,
    text,
    tuple_of,
    word,
)

MAX_NODES = 2_000_000


class Document(NamedTuple):
    """The parts of a file, in its order."""

    format: str
    version: int
    name: str
    backend: str
    framework_version: str
    fingerprint: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]


def _node(
    name: str,
    type_name: str,
    kind: NodeKind,
    aliases: tuple[str, ...],
    path: str | None,
    source: Location | None,
    inputs: tuple[InputPort, ...],
    outputs: tuple[Value, ...],
    attributes: Mapping[str, AttributeValue],
    weights: tuple[Weight, ...],
    body: tuple[Primitive, ...],
    _removed: None,
) -> Node:
    """A node of its parts in the file's order; what is removed follows from the nodes and is not kept."""
    return Node(name, type_name, kind, inputs, outputs, attributes, weights, path, aliases, source, body)


def _kind(value: Any) -> NodeKind:
    kind = KINDS.get(value) if type(value) is str else None
    if kind is None:
        raise Mismatch(shown(value), " or ".join(map(repr, KINDS)))
    return kind


def _attributes(value: Any) -> Mapping[str, AttributeValue]:
    return MappingProxyType(_mapping(value))


KINDS = {str(kind): kind for kind in NodeKind}
_mapping = mapping_of(attribute)
_read_node = record(
    _node,
    name=word,
    type=word,
    kind=_kind,
    aliases=tuple_of(word),
    path=optional(word),
    source=optional(record(Location, file=text, line=count, column=count)),
    inputs=tuple_of(record(InputPort, producer=word, port=count, role=word)),
    outputs=tuple_of(record(Value, dtype=word, shape=shape, example_shape=sizes)),
    attributes=_attributes,
    weights=tuple_of(record(Weight, role=word, shape=sizes, dtype=word, identity=text)),
    body=tuple_of(record(Primitive, type=word, framework_name=text)),
    removed=optional(record(lambda _: None, into=optional(word))),
)
read_document = record(
    Document,
    format=word,
    version=count,
    name=text,
    backend=text,
    framework_version=text,
    fingerprint=word,
    inputs=tuple_of(word),
    outputs=tuple_of(word),
    nodes=tuple_of(_read_node, at_most=MAX_NODES),
)
