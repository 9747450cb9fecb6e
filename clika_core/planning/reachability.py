"""Reachability of many sets at once: one bit per set, one pass over the graph, no recursion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from clika_core.ir.graph import Graph


def downstream_bits(graph: Graph, start: Mapping[int, int]) -> list[int]:
    """For each node, the union of `start` over the node itself and everything it can be reached from."""
    bits = [start.get(position, 0) for position in range(len(graph.nodes))]
    for position, producers in enumerate(graph.producers):
        for producer in producers:
            bits[position] |= bits[producer]
    return bits


def upstream_bits(graph: Graph, start: Mapping[int, int]) -> list[int]:
    """For each node, the union of `start` over the node itself and everything it reaches."""
    bits = [start.get(position, 0) for position in range(len(graph.nodes))]
    for position in range(len(graph.nodes) - 1, -1, -1):
        own = bits[position]
        if own:
            for producer in graph.producers[position]:
                bits[producer] |= own
    return bits


def set_bits(bits: int) -> Iterator[int]:
    """The positions of the ones in `bits`, lowest first."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def pick(bits: int, names: Sequence[str]) -> tuple[str, ...]:
    """The names whose bit is set."""
    return tuple(names[order] for order in set_bits(bits))
