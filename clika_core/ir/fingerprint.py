"""The fingerprint: what makes two graphs give the same decisions (spec: semantics, section 1).

Nodes in trace order with name, type, attributes, input ports, output dtypes and symbolic shapes, weight
shapes. Not paths, lines, versions, the model's name or example sizes.
"""

from __future__ import annotations

import json
from typing import Any

from clika_core.digests import sha256
from clika_core.ir.graph import AttributeValue, Graph, Node

_BYTES_PER_NODE = 300


def fingerprint(graph: Graph) -> str:
    """sha256, in hexadecimal, of the canonical JSON of `graph`."""
    digest = sha256(expected_bytes=_BYTES_PER_NODE * len(graph))
    encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode
    for node in graph.nodes:
        try:
            text = encode(_canonical(node, dict(node.attributes)))
        except ValueError:  # a float that JSON cannot hold
            attributes = {key: attribute_to_json(value) for key, value in node.attributes.items()}
            text = encode(_canonical(node, attributes))
        digest.update(text.encode("ascii"))
        digest.update(b"\n")
    return digest.hexdigest()


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
