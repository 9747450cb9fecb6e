"""Borders in a picture: small boxes where a value changes between float and the integer grid."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from clika_core.pictures.dot import DotEdge, DotNode
from clika_core.pictures.fitting import LINE_CHARACTERS, shorten
from clika_core.pictures.markup import Cell, Font, table
from clika_core.pictures.palette import FLOWS, GREY, INK, LOOKS, Flow, Role
from clika_core.planning.decision import Border, BorderKind

_WORDS: Final = {
    BorderKind.QUANTIZE: "quantize: float → integer",
    BorderKind.DEQUANTIZE: "dequantize: integer → float",
}


def border_ids(borders: Iterable[Border], taken: Collection[str]) -> dict[str, str]:
    """The id of each border's node: its name, primed where a node of the graph is named so too."""
    found: dict[str, str] = {}
    for border in borders:
        free = border.name
        while free in taken:
            free += "'"
        found[border.name] = free
    return found


def border_node(identifier: str, border: Border) -> DotNode:
    """The name of the border and what it does."""
    look = LOOKS[Role.BORDER]
    rows = [
        (Cell(shorten(border.name, LINE_CHARACTERS), Font(INK, 9), "center"),),
        (Cell(_WORDS[border.kind], Font(GREY, 8), "center"),),
    ]
    return DotNode(
        identifier,
        {
            "class": str(Role.BORDER),
            "color": look.line,
            "fillcolor": look.fill,
            "label": table(rows, padding=0),
            "margin": "0.12,0.04",
            "style": f"rounded,filled,{look.outline}",
            "tooltip": f"{border.name}\nread by {', '.join(border.consumers)}",
        },
    )


def border_edge(producer: str, identifier: str, border: Border) -> DotEdge:
    """The arrow into a border."""
    flow = Flow.FLOAT if border.kind is BorderKind.QUANTIZE else Flow.INTEGER_GRID
    return DotEdge(producer, identifier, FLOWS[flow])
