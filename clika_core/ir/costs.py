"""What a layer costs: multiply-accumulates of the example, and bytes of its weights."""

from __future__ import annotations

from math import prod

from clika_core.ir.graph import Node
from clika_core.ir.operators import OPERATORS

_BYTES = {"float64": 8, "int64": 8, "float32": 4, "int32": 4, "float16": 2, "bfloat16": 2, "int16": 2}


def multiply_accumulates(node: Node) -> int:
    """For the example batch; 0 for layers that are not weighted."""
    entry = OPERATORS.get(node.type)
    count = entry.multiply_accumulates if entry else None
    return count(node) if count and node.weights else 0


def weight_bytes(node: Node) -> int:
    """Bytes of all parametric operands, as traced."""
    return sum(prod(weight.shape) * _BYTES.get(weight.dtype, 1) for weight in node.weights)
