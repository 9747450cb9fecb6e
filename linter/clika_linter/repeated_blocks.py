"""Blocks that a model repeats: modules of the same shape, numbered side by side, such as `blocks.0`, `blocks.1`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clika_core.frozen import frozen
from clika_core.ir.graph import Graph
from clika_core.ir.operators import is_weighted

MIN_WEIGHTED = 2  # in a block: a convolution with its norm and activation is no block


@frozen
class Block:
    """One of several: its path, its layers by position in trace order, and where they stand in it."""

    path: str
    layers: tuple[int, ...]
    places: tuple[str, ...]

    @property
    def parent(self) -> str:
        """The module that holds the block and its siblings."""
        return self.path.rpartition(".")[0]


def repeated_blocks(graph: Graph) -> list[tuple[Block, ...]]:
    """The blocks that have siblings of the same shape, each set of siblings together.

    Two blocks have one shape when the same types of layers stand in the same places. Where blocks lie inside
    blocks, a layer counts for the innermost one.
    """
    families: dict[object, list[Block]] = {}
    for path, layers in _numbered_modules(graph).items():
        nodes = [graph.nodes[position] for position in layers]
        if sum(map(is_weighted, nodes)) >= MIN_WEIGHTED:
            places = tuple((node.path or "")[len(path) :].lstrip(".") for node in nodes)
            block = Block(path, layers, places)
            shape = tuple((place, node.type) for place, node in zip(places, nodes, strict=True))
            families.setdefault((block.parent, shape), []).append(block)
    return _innermost([tuple(family) for family in families.values() if len(family) > 1])


def _numbered_modules(graph: Graph) -> Mapping[str, tuple[int, ...]]:
    """Every module whose last component is a number, with the layers in it."""
    found: dict[str, list[int]] = {}
    around: dict[str, list[list[int]]] = {
        "": []
    }  # by module: the layers of each numbered one that it lies in
    for position, node in enumerate(graph.nodes):
        for layers in _numbered_around(node.path or "", around, found):
            layers.append(position)
    return {path: tuple(layers) for path, layers in found.items()}


def _numbered_around(
    path: str, known: dict[str, list[list[int]]], found: dict[str, list[int]]
) -> list[list[int]]:
    """The lists in `found` of the numbered modules that `path` is or lies in, the outermost first."""
    missing = []
    while path not in known:
        missing.append(path)
        path = path.rpartition(".")[0]
    lists = known[path]
    for inner in reversed(missing):
        if inner.rpartition(".")[2].isdecimal():
            lists = [*lists, found.setdefault(inner, [])]
        known[inner] = lists
    return lists


def _innermost(families: Sequence[tuple[Block, ...]]) -> list[tuple[Block, ...]]:
    """Families of blocks that hold no block of another family."""
    paths = {block.path for family in families for block in family}
    outer = {path[:end] for path in paths for end in range(len(path)) if path[end] == "."}
    return [family for family in families if not any(block.path in outer for block in family)]
