"""Reachability of many sets at once: one bit per set, one pass over the graph, no recursion."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import compress, islice

from clika_core.ir.graph import Graph


def downstream_bits(graph: Graph, start: Mapping[int, int]) -> list[int]:
    """For each node, the union of `start` over the node itself and everything it can be reached from."""
    bits = [0] * len(graph.nodes)
    for position, own in start.items():
        bits[position] = own
    producers = graph.producers
    for position in range(min(start, default=len(bits)), len(bits)):
        for producer in producers[position]:
            if bits[producer]:
                bits[position] |= bits[producer]
    return bits


def upstream_bits(graph: Graph, start: Mapping[int, int]) -> list[int]:
    """For each node, the union of `start` over the node itself and everything it reaches."""
    bits = [0] * len(graph.nodes)
    for position, own in start.items():
        bits[position] = own
    producers = graph.producers
    for position in range(max(start, default=-1), -1, -1):
        own = bits[position]
        if own:
            for producer in producers[position]:
                bits[producer] |= own
    return bits


def downstream_of(graph: Graph, starts: Collection[int], last: int | None = None) -> list[bool]:
    """One flag per node: the nodes at `starts` and everything they reach, up to the position `last`."""
    flags = [False] * len(graph.nodes)
    end = len(flags) if last is None else last + 1
    for start in starts:
        flags[start] = start < end
    first = min(starts, default=end) + 1
    for position, producers in enumerate(islice(graph.producers, first, end), first):
        for producer in producers:
            if flags[producer]:
                flags[position] = True
                break
    return flags


def between(graph: Graph, starts: Collection[int], ends: Collection[int]) -> list[int]:
    """The nodes on any path from one of `starts` to one of `ends`, both included, in trace order.

    Only what lies between the first start and the last end is looked at, once down and once up; each node only
    until one of its neighbours tells.
    """
    reached = downstream_of(graph, starts, max(ends, default=-1))
    flags = [False] * len(reached)
    for end in ends:
        flags[end] = reached[end]
    consumers = graph.consumers
    for position in reversed(flagged(reached)):
        for consumer in consumers[position]:
            if flags[consumer]:
                flags[position] = True
                break
    return flagged(flags)


def flagged(flags: Sequence[bool]) -> list[int]:
    """The positions of the flags that are set."""
    return list(compress(range(len(flags)), flags))


def set_bits(bits: int) -> Iterator[int]:
    """The positions of the ones in `bits`, lowest first."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


class Picker:
    """Names by bit set; nodes with equal bits share one tuple."""

    def __init__(self, names: Sequence[str]) -> None:
        """`names` are in the order of the bits."""
        self._names = names
        self._known: dict[int, tuple[str, ...]] = {0: ()}

    def __call__(self, bits: int) -> tuple[str, ...]:
        """The names whose bit is set."""
        found = self._known.get(bits)
        if found is None:
            found = self._known[bits] = tuple([self._names[order] for order in set_bits(bits)])
        return found
