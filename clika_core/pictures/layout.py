"""Attributes of a whole picture: typeface, spacing, and bounds on the work that layout may take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from clika_core.pictures.dot import Attributes, DotEdge, DotGraph, DotNode, Markup
from clika_core.pictures.palette import GREY, TYPEFACE

FULL_EFFORT_RANKS: Final = 2_000
"""Up to here graphviz may take its time: measured, under four seconds."""
CURVED_RANKS: Final = 10_000
"""Up to here, with few passes, curves that pass boxes by cost a tenth more than straight lines through them."""

_GRAPH: Final = {
    "bgcolor": "white",
    "fontname": TYPEFACE,
    "labeljust": "l",
    "labelloc": "t",
    "margin": "0.2",
    "nodesep": "0.35",
    "pad": "0.1",
    "rankdir": "TB",
    "ranksep": "0.32",
}
_FEW_PASSES: Final = {"mclimit": "0.05", "nslimit": "1", "nslimit1": "1"}
_STRAIGHT: Final = {"outputorder": "edgesfirst", "splines": "line"}  # lines lie under the boxes they cross
_TEXT: Final = {"fontcolor": GREY, "fontname": TYPEFACE}
_NODE: Final = {**_TEXT, "fontsize": "9", "margin": "0.11,0.07", "shape": "box"}
_EDGE: Final = {**_TEXT, "arrowsize": "0.6", "fontsize": "8"}


def laid_out(name: str, label: Markup, nodes: Sequence[DotNode], edges: Sequence[DotEdge]) -> DotGraph:
    """The picture; one that is costly to lay out asks for few passes, a very costly one for straight lines too.

    What costs is how many ranks edges cross, not how many there are: a chain of 400 layers takes two seconds, a
    densenet of as many over 200, or five with both bounds.
    """
    attributes: Attributes = {**_GRAPH, "label": label}
    crossed = ranks_crossed(nodes, edges)
    if crossed > FULL_EFFORT_RANKS:
        straight = _STRAIGHT if crossed > CURVED_RANKS else {}
        attributes = {**attributes, **_FEW_PASSES, **straight}
        edges = [_unlabelled(edge) for edge in edges]
    return DotGraph(tuple(nodes), tuple(edges), attributes, _NODE, _EDGE, name)


def ranks_crossed(nodes: Sequence[DotNode], edges: Sequence[DotEdge]) -> int:
    """The sum over all edges of the ranks between their ends, where a node's rank is its longest way from above."""
    readers: dict[str, list[str]] = {node.id: [] for node in nodes}
    waiting = dict.fromkeys(readers, 0)
    for edge in edges:
        readers[edge.tail].append(edge.head)
        waiting[edge.head] += 1
    rank = dict.fromkeys(readers, 0)
    ready = [name for name, count in waiting.items() if not count]
    while ready:
        name = ready.pop()
        for reader in readers[name]:
            rank[reader] = max(rank[reader], rank[name] + 1)
            waiting[reader] -= 1
            if not waiting[reader]:
                ready.append(reader)
    return sum(rank[edge.head] - rank[edge.tail] for edge in edges)


def _unlabelled(edge: DotEdge) -> DotEdge:
    """Without its label, which would double the ranks; the boxes name their operands too."""
    kept = {key: value for key, value in edge.attributes.items() if key != "label"}
    return DotEdge(edge.tail, edge.head, kept)
