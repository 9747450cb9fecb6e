"""Reachability of many sets at once: one bit per set, one pass over the graph, no recursion."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

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


def downstream_of(graph: Graph, starts: Collection[int], last: int | None = None) -> set[int]:
    """The nodes at `starts` and everything they reach, up to the position `last`."""
    end = len(graph.nodes) if last is None else last + 1
    found = {start for start in starts if start < end}
    waiting = list(found)
    consumers = graph.consumers
    while waiting:
        for reader in consumers[waiting.pop()]:
            if reader < end and reader not in found:
                found.add(reader)
                waiting.append(reader)
    return found


def between(graph: Graph, starts: Collection[int], ends: Collection[int]) -> set[int]:
    """The nodes on any path from one of `starts` to one of `ends`, both included.

    Only what the starts reach before the last end is looked at: time is linear in that part of the graph.
    """
    reached = downstream_of(graph, starts, max(ends, default=-1))
    waiting = [end for end in ends if end in reached]
    found = set(waiting)
    producers = graph.producers
    while waiting:
        for producer in producers[waiting.pop()]:
            if producer in reached and producer not in found:
                found.add(producer)
                waiting.append(producer)
    return found


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
