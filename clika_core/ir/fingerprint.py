"""The fingerprint: what makes two graphs give the same decisions (spec: semantics, section 1).

Nodes in trace order with name, type, attributes, input ports, output dtypes and symbolic shapes, weight
shapes. Not paths, lines, versions, the model's name or example sizes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from clika_core.digests import sha256
from clika_core.ir.graph import AttributeValue, Graph, Node

_BYTES_PER_NODE = 300
_NODES_AT_ONCE = 1000  # each call of the encoder costs as much as a small node
_BETWEEN = [{"": 0}]  # no node has such a part, and no text can hold its characters unescaped


def fingerprint(graph: Graph) -> str:
    """sha256, in hexadecimal, of the canonical JSON of `graph`: one line for each node."""
    digest = sha256(expected_bytes=_BYTES_PER_NODE * len(graph))
    for start in range(0, len(graph.nodes), _NODES_AT_ONCE):
        digest.update(_lines(graph.nodes[start : start + _NODES_AT_ONCE]))
    return digest.hexdigest()


def _lines(nodes: Sequence[Node]) -> bytes:
    encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode
    try:
        text = encode(
            [part for node in nodes for part in (_canonical(node, dict(node.attributes)), _BETWEEN)]
        )
    except ValueError:  # a float that JSON cannot hold
        parts = (
            _canonical(node, {key: attribute_to_json(value) for key, value in node.attributes.items()})
            for node in nodes
        )
        text = encode([part for canonical in parts for part in (canonical, _BETWEEN)])
    between = encode(_BETWEEN)
    return text[1:-1].replace(f",{between},", "\n").replace(f",{between}", "\n").encode("ascii")


def attribute_to_json(value: AttributeValue) -> Any:
    """An attribute as JSON; a float JSON cannot hold becomes `{"float": "inf"}`."""
    if isinstance(value, tuple):
        return [attribute_to_json(item) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return {"float": repr(value)}
    return value


def _canonical(node: Node, attributes: dict[str, Any]) -> list[Any]:
    return [
        node.name,
        node.type,
        str(node.kind),
        attributes,
        [(port.producer, port.port, port.role) for port in node.inputs],
        [(value.dtype, value.shape) for value in node.outputs],
        [(weight.role, weight.shape) for weight in node.weights],
    ]
