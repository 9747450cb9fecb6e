"""HTML-like labels: a table of cells with one style per cell, as graphviz understands it.

Texts are escaped when a cell becomes markup, so that no name can add a tag, an entity or a graphviz escape.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from clika_core.pictures.dot import Markup, visible

_ENTITIES: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "\\": "&#92;&#92;"}
)
"""Graphviz reads label escapes such as `\\N` after entities, and a pair of backslashes as one."""


@dataclass(frozen=True, slots=True)
class Font:
    """How a text looks, where it differs from the default of the picture."""

    color: str | None = None
    size_points: int | None = None
    bold: bool = False

    def around(self, text: str) -> str:
        """Escaped `text` in this font."""
        size = str(self.size_points) if self.size_points else None
        attributes = _attributes({"COLOR": self.color, "POINT-SIZE": size})
        inside = f"<B>{escape(text)}</B>" if self.bold else escape(text)
        return f"<FONT{attributes}>{inside}</FONT>" if attributes else inside


@dataclass(frozen=True, slots=True)
class Cell:
    """A text in a table; `fill`, `line` and `style` (`dashed`, ...) draw a box around it."""

    text: str
    font: Font = Font()
    align: str = "left"
    columns: int = 1
    fill: str | None = None
    line: str | None = None
    style: str | None = None

    def markup(self) -> str:
        """The `<TD>` element."""
        attributes = {
            "ALIGN": self.align.upper(),
            "BGCOLOR": self.fill,
            "BORDER": "1" if self.line else None,
            "COLOR": self.line,
            "COLSPAN": str(self.columns) if self.columns > 1 else None,
            "STYLE": self.style,
        }
        return f"<TD{_attributes(attributes)}>{self.font.around(self.text)}</TD>"


@dataclass(frozen=True, slots=True)
class Strip:
    """Cells side by side inside one cell, as wide as they need to be."""

    cells: tuple[Cell, ...]

    def markup(self) -> str:
        """The `<TD>` element with a table of one row."""
        return f'<TD ALIGN="LEFT">{table([self.cells], padding=4, spacing=4, align="left").text}</TD>'


@dataclass(frozen=True, slots=True)
class Gap:
    """An empty cell of at least this size, in points."""

    width: int = 1
    height: int = 1

    def markup(self) -> str:
        """The `<TD>` element."""
        return f'<TD HEIGHT="{self.height}" WIDTH="{self.width}"></TD>'


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar, filled from the left over `length` of `whole` points."""

    length: int
    whole: int
    fill: str
    height: int = 10

    def markup(self) -> str:
        """The `<TD>` element. The part that is not filled is a cell too: a bar alone would stand in the middle."""
        parts = [(self.length, self.fill), (self.whole - self.length, None)]
        cells = "".join(
            f"<TD{_attributes({'BGCOLOR': fill, 'FIXEDSIZE': 'TRUE', **self._size(width)})}></TD>"
            for width, fill in parts
            if width
        )
        plain = {"BORDER": "0", "CELLBORDER": "0", "CELLPADDING": "0", "CELLSPACING": "0"}
        return f"<TD><TABLE{_attributes(plain)}><TR>{cells}</TR></TABLE></TD>"

    def _size(self, width: int) -> dict[str, str]:
        return {"HEIGHT": str(self.height), "WIDTH": str(width)}


@dataclass(frozen=True, slots=True)
class Rule:
    """A horizontal line between two rows, with `air` points above and below."""

    air: int = 3

    def markup(self) -> str:
        """The `<HR/>` element between two empty rows."""
        empty = f"<TR>{Gap(height=self.air).markup()}</TR>"
        return f"{empty}<HR/>{empty}"


Row: TypeAlias = "tuple[Cell | Strip | Gap | Bar, ...] | Rule"


def escape(text: str) -> str:
    """`text` with no character that means something in DOT, in markup, or to graphviz's label escapes."""
    return visible(text).translate(_ENTITIES) if text else "(empty)"


def table(
    rows: Iterable[Row],
    *,
    padding: int = 1,
    spacing: int = 0,
    align: str | None = None,
    color: str | None = None,
) -> Markup:
    """The label, a row a line: `padding` inside, `spacing` between cells, in points; rules in `color`."""
    body = "\n".join(map(_row, rows))
    attributes = {
        "ALIGN": align.upper() if align else None,
        "BORDER": "0",
        "CELLBORDER": "0",
        "CELLPADDING": str(padding),
        "CELLSPACING": str(spacing),
        "COLOR": color,
    }
    return Markup(f"<TABLE{_attributes(attributes)}>\n{body}\n</TABLE>")


def _row(row: Row) -> str:
    return row.markup() if isinstance(row, Rule) else f"<TR>{''.join(cell.markup() for cell in row)}</TR>"


def _attributes(given: Mapping[str, str | None]) -> str:
    """` KEY="value" ...` of what is given."""
    return "".join(f' {key}="{value}"' for key, value in given.items() if value)
