"""The head of a picture: title, one line of numbers, and a legend that says every sign in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from clika_core.ir.graph import Graph
from clika_core.pictures.dot import Markup
from clika_core.pictures.fitting import shorten
from clika_core.pictures.markup import Cell, Font, Gap, Row, Strip, table
from clika_core.pictures.palette import GREY, INK, LOOKS, Flow, Role

CAPTION_CHARACTERS: Final = 80

_BOXES: Final[Mapping[Role, str]] = {
    Role.INPUT: "input",
    Role.OUTPUT: "output",
    Role.QUANTIZED: "quantized (solid outline)",
    Role.FLOAT: "float (dashed outline)",
    Role.BORDER: "border between float and integers",
}
_ARROWS: Final[Mapping[Flow, str]] = {
    Flow.INTEGER_GRID: "thick green: quantized values",
    Flow.FLOAT: "thin grey: float values",
    Flow.NOT_FLOAT: "dotted: integers or booleans",
}


def caption(graph: Graph, subject: str, numbers: str, roles: Sequence[Role], flows: Iterable[Flow]) -> Markup:
    """The label of the whole picture; the legend shows `roles` and `flows`."""
    title = f"{shorten(graph.name, CAPTION_CHARACTERS - len(subject) - 2)}: {subject}"
    notes = [f"Arrows — {', '.join(_ARROWS[flow] for flow in flows)}", *_free_sizes(graph)]
    rows: list[Row] = [
        (Cell(title, Font(INK, 16, bold=True)),),
        (Cell(numbers, Font(GREY, 10)),),
        (Strip(tuple(_swatch(role) for role in roles)),),
        *((Cell(note, Font(GREY, 9)),) for note in notes),
        (Gap(height=6),),
    ]
    return table(rows, padding=2)


def counted(count: int, noun: str) -> str:
    """`1 layer`, `2 layers`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _free_sizes(graph: Graph) -> list[str]:
    """One line on the symbolic sizes in the graph inputs, if there are any."""
    sizes = (size for node in graph.inputs for value in node.outputs for size in value.shape)
    names = list(dict.fromkeys(size for size in sizes if isinstance(size, str)))
    verb = "is a size" if len(names) == 1 else "are sizes"
    return [f"{shorten(', '.join(names))} {verb} free to change, such as the batch"] if names else []


def _swatch(role: Role) -> Cell:
    look = LOOKS[role]
    style = "solid" if look.outline == "bold" else look.outline
    font = Font(look.accent, 9, bold=True)
    return Cell(_BOXES[role], font, "center", fill=look.fill, line=look.line, style=style)
