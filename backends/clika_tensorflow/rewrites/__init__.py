"""Calls that TensorFlow spells in a roundabout way, said plainly before they are put into neutral words.

A rewriting takes a flat graph and gives one that computes the same numbers. A new one is one new entry.
"""

from __future__ import annotations

from clika_tensorflow.flattening import FlatGraph
from clika_tensorflow.rewrites import biases, convolutions, masks, products, rows, transposed


def rewritten(graph: FlatGraph) -> FlatGraph:
    """The graph after all rewritings."""
    for module in (products, rows, convolutions, transposed, biases, masks):
        graph = module.rewrite(graph)
    return graph
