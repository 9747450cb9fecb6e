"""Values that a mask fills with a number far from all others, such as -inf in front of a softmax: no codes suit them.

One scale for the number and for the rest would leave the rest a single code, or none at all.
"""

from __future__ import annotations

from typing import Final

from clika_core.ir.graph import Graph, Node
from clika_core.ir.operators import OPERATORS, Trait, trait_of

FAR: Final = 1e4  # transformers have masked scores with -10000
FILLERS: Final = {"masked_fill": ("value",), "where": ("input", "other")}
_DEPTH: Final = 8  # layers that are looked through


def masked_operand(graph: Graph, node: Node) -> str | None:
    """Why no codes suit a value that `node` reads: a mask filled it. None where that is not known of any."""
    entry = OPERATORS.get(node.type)
    beside = entry.index_operands if entry else ()  # masks of attention may be of any size
    read = (graph[port.producer] for port in node.inputs if port.role not in beside)
    found = next(filter(None, (filling(graph, producer) for producer in read)), None)
    return found and f"it reads what {found[0]} filled with {found[1]:g}, which leaves the rest no codes"


def filling(graph: Graph, node: Node, depth: int = _DEPTH) -> tuple[str, float] | None:
    """The layer that filled the result of `node` with a number far from all others, and the number."""
    for role in FILLERS.get(node.type, ()):
        number = node.attributes.get(role)
        if isinstance(number, int | float) and not abs(number) < FAR:
            return node.name, number
    passes_on = node.type in ("add", *FILLERS) or trait_of(node) in (Trait.TRANSPARENT, Trait.REMOVED)
    if not depth or not passes_on:
        return None
    producers = (graph[port.producer] for port in node.inputs)
    return next(filter(None, (filling(graph, producer, depth - 1) for producer in producers)), None)
