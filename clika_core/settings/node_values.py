"""What the nodes of a `Document` say as Python values and in messages."""

from __future__ import annotations

from typing import Any

from clika_core.settings.document import MappingNode, Node, ScalarNode, SequenceNode
from clika_core.settings.messages import describe
from clika_core.settings.value_type import ValueType


def plain_value(node: Node, value_type: ValueType[Any]) -> object:
    """The Python value of `node`: unquoted text where `value_type` wants text, and in lists of names."""
    if isinstance(node, MappingNode):
        return {}
    if isinstance(node, SequenceNode):
        return [
            _text(item) if isinstance(item, ScalarNode) else plain_value(item, value_type)
            for item in node.items
        ]
    return _text(node) if value_type.reads_text else node.value


def _text(node: ScalarNode) -> object:
    """The characters of a scalar where they may stand for text; null stays null."""
    return node.value if node.value is None or node.text is None else node.text


def item_at(node: Node, position: int | None) -> Node:
    """The list entry at `position`, or the node itself."""
    return node.items[position] if isinstance(node, SequenceNode) and position is not None else node


def is_null(node: Node) -> bool:
    """Whether nothing is written, or null."""
    return isinstance(node, ScalarNode) and node.value is None


def describe_node(node: Node) -> str:
    """What a node is, for messages."""
    if isinstance(node, SequenceNode):
        return describe(node.items)
    return describe({} if isinstance(node, MappingNode) else node.value)
