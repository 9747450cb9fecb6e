"""A box of a picture: one layer, or the layers that run as one kernel, as a DOT node.

Each layer is a section: name and the word for what it is, type and path, shapes, attributes, weights. Below
the sections stands what holds for the box as a whole: bits, sensitivity, why it is float.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from clika_core.ir.graph import Graph, Node, NodeKind
from clika_core.pictures.dot import DotNode, Markup
from clika_core.pictures.facts import attribute_lines, endpoint_lines, kind_line, shape_lines, weight_lines
from clika_core.pictures.fitting import NAME_CHARACTERS, shorten
from clika_core.pictures.markup import Cell, Font, Gap, Row, Rule, table
from clika_core.pictures.palette import INK, LOOKS, Look, Role

TOOLTIP_CHARACTERS: Final = 300

_NAME: Final = Font(INK, 11, bold=True)


@dataclass(frozen=True, slots=True)
class Section:
    """One node of the graph inside a box; `word` stands beside its name."""

    name: str
    word: str
    lines: tuple[str, ...]
    tooltip: str = ""

    def rows(self, look: Look) -> list[Row]:
        """Name and word in the first row, a line in each of the others."""
        word = Cell(self.word, Font(look.accent, bold=True), align="right")
        head = (Cell(shorten(self.name, NAME_CHARACTERS), _NAME), Gap(width=12), word)
        return [head, *((Cell(line, columns=3),) for line in self.lines)]


@dataclass(frozen=True, slots=True)
class Box:
    """A node of the picture. `verdict` holds the lines that explain the colour."""

    id: str
    role: Role
    sections: tuple[Section, ...]
    verdict: tuple[str, ...] = ()

    def node(self) -> DotNode:
        """The box in the look of its role; the role is its SVG class too."""
        look = LOOKS[self.role]
        tooltip = "\n\n".join(section.tooltip for section in self.sections if section.tooltip)
        return DotNode(
            self.id,
            {
                "class": str(self.role),
                "color": look.line,
                "fillcolor": look.fill,
                "label": self._label(look),
                "style": f"rounded,filled,{look.outline}",
                "tooltip": tooltip or self.id,
            },
        )

    def _label(self, look: Look) -> Markup:
        rows: list[Row] = []
        for section in self.sections:
            rows += [Rule(), *section.rows(look)] if rows else section.rows(look)
        font = Font(look.accent, bold=True)
        if self.verdict:
            rows += [Rule(), *((Cell(line, font, columns=3),) for line in self.verdict)]
        return table(rows, color=look.rule)


def layer_section(graph: Graph, node: Node, word: str, notes: tuple[str, ...] = ()) -> Section:
    """A layer with its facts, then `notes` on what became of its neighbours."""
    facts = (kind_line(node), *shape_lines(graph, node), *attribute_lines(node), *weight_lines(node))
    return Section(node.name, word, (*facts, *notes), _tooltip(node))


def endpoint_box(graph: Graph, node: Node, notes: tuple[str, ...] = ()) -> Box:
    """A graph input or output; an output's path in the model's result stands under its name."""
    role = Role.INPUT if node.kind is NodeKind.INPUT else Role.OUTPUT
    lines = [shorten(alias) for alias in node.aliases[:1] if alias != node.name]
    section = Section(node.name, str(role), (*lines, *endpoint_lines(graph, node), *notes), _tooltip(node))
    return Box(node.name, role, (section,))


def _tooltip(node: Node) -> str:
    """Everything a box is too narrow for: full name, path, other names, where it was written."""
    other = [alias for alias in node.aliases if alias not in (node.name, node.path)]
    lines = [
        node.name,
        f"path: {node.path}" if node.path else "",
        f"also: {', '.join(other)}" if other else "",
        f"source: {node.source}" if node.source else "",
        f"made of {len(node.body)} operations" if node.body else "",
    ]
    return "\n".join(shorten(line, TOOLTIP_CHARACTERS) for line in lines if line)
