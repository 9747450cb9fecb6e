"""Attributes of a whole picture: typeface, spacing, and bounds on the work that layout may take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from clika_core.pictures.dot import Attributes, DotEdge, DotGraph, DotNode, Markup
from clika_core.pictures.palette import GREY, TYPEFACE

FULL_EFFORT_EDGES: Final = 400
"""Up to here graphviz may take its time; measured under two seconds."""

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
_BOUNDED: Final = {"mclimit": "0.05", "nslimit": "1", "nslimit1": "1", "splines": "line"}
_TEXT: Final = {"fontcolor": GREY, "fontname": TYPEFACE}
_NODE: Final = {**_TEXT, "fontsize": "9", "margin": "0.11,0.07", "shape": "box"}
_EDGE: Final = {**_TEXT, "arrowsize": "0.6", "fontsize": "8"}


def laid_out(name: str, label: Markup, nodes: Sequence[DotNode], edges: Sequence[DotEdge]) -> DotGraph:
    """The picture; a large one asks for straight lines and few passes (densenet121: 200 s become 4 s)."""
    attributes: Attributes = {**_GRAPH, "label": label}
    if len(edges) > FULL_EFFORT_EDGES:
        attributes = {**attributes, **_BOUNDED}
        edges = [_unlabelled(edge) for edge in edges]
    return DotGraph(tuple(nodes), tuple(edges), attributes, _NODE, _EDGE, name)


def _unlabelled(edge: DotEdge) -> DotEdge:
    """Without its label, which would double the ranks; the boxes name their operands too."""
    kept = {key: value for key, value in edge.attributes.items() if key != "label"}
    return DotEdge(edge.tail, edge.head, kept)
