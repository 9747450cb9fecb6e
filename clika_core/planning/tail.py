"""The tail: layers after which no weighted layer follows on any way to an output (spec: semantics, section 2).

One pass from the outputs upwards carries two bits per output and node, in one number: whether the node reaches the
output, and, as many bits higher as there are outputs, whether it does so through a later weighted layer. Time is
linear in nodes and edges.
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
    width, every = len(outputs), (1 << len(outputs)) - 1
    pick = Picker(outputs)
    found: dict[int, tuple[str, ...]] = {}
    nodes, producers, layer, weighted = graph.nodes, graph.producers, NodeKind.LAYER, Trait.WEIGHTED
    for position in range(len(nodes) - 1, -1, -1):
        after = reaches[position]
        if not after:
            continue
        reached, passed = after & every, after >> width
        if reached != passed and nodes[position].kind is layer:
            found[position] = pick(reached & ~passed)
        if traits[position] is weighted:
            after = reached | reached << width
        for producer in producers[position]:
            reaches[producer] |= after
    return dict(reversed(found.items()))
