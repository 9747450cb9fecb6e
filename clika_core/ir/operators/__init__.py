"""The vocabulary: operator types shared by all frameworks, each with its traits.

`OPERATORS` maps a type's name to its `OperatorType`. A new operator is one new entry in the family it belongs
to; nothing else changes. A type that is not here is unknown: it keeps the framework's name and stays float.
"""

from __future__ import annotations

from clika_core.ir.graph import Node
from clika_core.ir.operators import activation, arithmetic, movement, normalisation, weighted
from clika_core.ir.operators.operator_type import OperatorType, Trait

OPERATORS: dict[str, OperatorType] = {
    entry.name: entry
    for family in (weighted, activation, normalisation, arithmetic, movement)
    for entry in family.ENTRIES
}

__all__ = ["OPERATORS", "OperatorType", "Trait", "is_weighted", "trait_of"]


def trait_of(node: Node) -> Trait:
    """The trait of one layer: its type's, raised to weighted where a weight operand is parametric."""
    entry = OPERATORS.get(node.type)
    if entry is None:
        return Trait.COMPUTING
    for weight in node.weights:
        if weight.role in entry.weight_operands:
            return Trait.WEIGHTED
    return entry.trait


def is_weighted(node: Node) -> bool:
    """Whether the layer multiplies and accumulates, or looks up, a parametric operand."""
    return trait_of(node) is Trait.WEIGHTED
