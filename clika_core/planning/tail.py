"""The tail: layers after which no weighted layer follows on any way to an output (spec: semantics, section 2).

One pass from the outputs upwards carries two bit sets per node, one bit per output: the outputs it reaches, and
those it reaches through a later weighted layer. Time is linear in nodes and edges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clika_core.ir.graph import Graph, NodeKind
from clika_core.ir.operators import is_weighted
from clika_core.planning.reachability import pick


def tails(graph: Graph, outputs: Sequence[str]) -> Mapping[int, tuple[str, ...]]:
    """Each layer of the tail, by position, with the outputs (of those named) whose tail it is in."""
    bits = {graph.index[name]: 1 << order for order, name in enumerate(outputs)}
    reaches = [bits.get(position, 0) for position in range(len(graph.nodes))]
    passes_weighted = [0] * len(graph.nodes)
    for position in range(len(graph.nodes) - 1, -1, -1):
        reached = reaches[position]
        if not reached:
            continue
        after = reached if is_weighted(graph.nodes[position]) else passes_weighted[position]
        for producer in graph.producers[position]:
            reaches[producer] |= reached
            passes_weighted[producer] |= after
    return {
        position: pick(reaches[position] & ~passes_weighted[position], outputs)
        for position, node in enumerate(graph.nodes)
        if node.kind is NodeKind.LAYER and reaches[position] & ~passes_weighted[position]
    }
