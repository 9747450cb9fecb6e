"""How pictures look. Every meaning has a word and a border or line style beside its colour.

Blue: input and output of the graph. Green: quantized. Yellow: float. White: a border between the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

INK: Final = "#1b2733"
"""Names."""
GREY: Final = "#52616f"
"""Everything else that is written."""
TYPEFACE: Final = "Helvetica"
"""A face whose widths every graphviz knows; the SVG adds sans-serif."""


class Role(StrEnum):
    """What a box stands for; the value is the word on it."""

    INPUT = "input"
    OUTPUT = "output"
    QUANTIZED = "quantized"
    FLOAT = "float"
    BORDER = "border"


@dataclass(frozen=True, slots=True)
class Look:
    """Colours of a box and the style of its outline.

    `accent` is for words that say what the colour says, `rule` for lines inside the box.
    """

    fill: str
    line: str
    accent: str
    rule: str
    outline: str


_BLUE: Final = Look(fill="#dbeafc", line="#2563a8", accent="#1d4f89", rule="#a9cbee", outline="bold")
LOOKS: Final = {
    Role.INPUT: _BLUE,
    Role.OUTPUT: _BLUE,
    Role.QUANTIZED: Look(fill="#def3e2", line="#2f8547", accent="#226236", rule="#a5d6b0", outline="solid"),
    Role.FLOAT: Look(fill="#fff4c7", line="#b8860b", accent="#7a5600", rule="#e6cf7a", outline="dashed"),
    Role.BORDER: Look(fill="#ffffff", line="#3d4a57", accent="#52616f", rule="#b0b8c1", outline="dotted"),
}


class Flow(StrEnum):
    """What an arrow carries."""

    INTEGER_GRID = "integer grid"
    FLOAT = "float"
    NOT_FLOAT = "not float"


FLOWS: Final = {
    Flow.INTEGER_GRID: {"color": "#2f8547", "penwidth": "2.2"},
    Flow.FLOAT: {"color": "#6b7785", "penwidth": "1"},
    Flow.NOT_FLOAT: {"color": "#6b7785", "penwidth": "1", "style": "dotted"},
}
