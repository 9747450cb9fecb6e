"""Paths, one by one. Everything the oracle says of tails and ranges is said of the paths listed here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from clika_core.ir.graph import Graph, Node, NodeKind
from clika_core.ir.operators import is_weighted

Path = tuple[str, ...]


def readers(graph: Graph, name: str) -> list[Node]:
    """The nodes that read any output of `name`, each once, in trace order."""
    return [node for node in graph.nodes if any(port.producer == name for port in node.inputs)]


def all_paths(graph: Graph, start: str) -> Iterator[Path]:
    """Every path that starts at `start`, `(start,)` among them."""
    yield (start,)
    for reader in readers(graph, start):
        for rest in all_paths(graph, reader.name):
            yield (start, *rest)


def paths_between(graph: Graph, start: str, end: str) -> list[Path]:
    """Every path from `start` to `end`, both ends included."""
    return [path for path in all_paths(graph, start) if path[-1] == end]


def layers_on(graph: Graph, paths: Iterable[Path]) -> set[str]:
    """The layers that lie on any of the paths."""
    return {name for path in paths for name in path if graph[name].kind is NodeKind.LAYER}


def tail_of(graph: Graph, output: str) -> set[str]:
    """Every layer upstream of `output` after which no weighted layer follows on the way to it."""
    tail = set()
    for layer in graph.layers:
        ways = paths_between(graph, layer.name, output)
        if ways and not any(is_weighted(graph[name]) for way in ways for name in way[1:]):
            tail.add(layer.name)
    return tail


def between(graph: Graph, starts: Iterable[str], ends: Iterable[str]) -> set[str]:
    """The union of all paths from any of `starts` to any of `ends`."""
    targets = list(ends)
    return {
        name
        for start in starts
        for end in targets
        for name in layers_on(graph, paths_between(graph, start, end))
    }


def downstream(graph: Graph, starts: Iterable[str]) -> set[str]:
    """Every layer on any path that starts at one of `starts`."""
    return {name for start in starts for name in layers_on(graph, all_paths(graph, start))}
