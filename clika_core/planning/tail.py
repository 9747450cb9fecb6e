"""The tail: layers after which no weighted layer follows on any way to an output (spec: semantics, section 2).

One pass from the outputs upwards carries two bit sets per node, one bit per output: the outputs it reaches, and
those it reaches through a later weighted layer. Time is linear in nodes and edges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clika_core.ir.graph import Graph, NodeKind
from clika_core.ir.operators import Trait, trait_of
from clika_core.planning.reachability import Picker


def tails(
    graph: Graph, outputs: Sequence[str], traits: Sequence[Trait] | None = None
) -> Mapping[int, tuple[str, ...]]:
    """Each layer of the tail, by position, with the outputs (of those named) whose tail it is in."""
    traits = traits or [trait_of(node) for node in graph.nodes]
    reaches = [0] * len(graph.nodes)
    for order, name in enumerate(outputs):
        reaches[graph.index[name]] |= 1 << order
    passes_weighted = [0] * len(graph.nodes)
    pick = Picker(outputs)
    found: dict[int, tuple[str, ...]] = {}
    nodes, producers, layer, weighted = graph.nodes, graph.producers, NodeKind.LAYER, Trait.WEIGHTED
    for position in range(len(nodes) - 1, -1, -1):
        reached = reaches[position]
        if not reached:
            continue
        passed = passes_weighted[position]
        if reached != passed and nodes[position].kind is layer:
            found[position] = pick(reached & ~passed)
        after = reached if traits[position] is weighted else passed
        for producer in producers[position]:
            reaches[producer] |= reached
            passes_weighted[producer] |= after
    return dict(reversed(found.items()))
