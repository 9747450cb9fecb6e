"""Calls that TensorFlow spells in a roundabout way, said plainly before they are put into neutral words.

A rewriting takes a flat graph and gives one that computes the same numbers. A new one is one new entry.
"""

from __future__ import annotations

from clika_tensorflow.flattening import FlatGraph
from clika_tensorflow.rewrites import biases, convolutions, masks, products


def rewritten(graph: FlatGraph) -> FlatGraph:
    """The graph after all rewritings."""
    for rewrite in (products.rewrite, convolutions.rewrite, biases.rewrite, masks.rewrite):
        graph = rewrite(graph)
    return graph
