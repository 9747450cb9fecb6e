"""HTML-like labels, read by an XML parser that is not ours."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from clika_core.pictures.markup import Cell, Font, Gap, Row, Rule, Strip, escape, table
from tests.core.pictures.texts import nasty_texts, shown


def test_a_table_holds_a_row_a_line() -> None:
    rows: list[Row] = [
        (Cell("a", Font("red", 11, bold=True)), Gap(width=5), Cell("b", align="right")),
        Rule(air=2),
    ]
    assert table(rows, color="#112233").text.splitlines() == [
        '<TABLE BORDER="0" CELLBORDER="0" CELLPADDING="1" CELLSPACING="0" COLOR="#112233">',
        '<TR><TD ALIGN="LEFT"><FONT COLOR="red" POINT-SIZE="11"><B>a</B></FONT></TD>'
        '<TD HEIGHT="1" WIDTH="5"></TD><TD ALIGN="RIGHT">b</TD></TR>',
        '<TR><TD HEIGHT="2" WIDTH="1"></TD></TR><HR/><TR><TD HEIGHT="2" WIDTH="1"></TD></TR>',
        "</TABLE>",
    ]


def test_a_boxed_cell_names_fill_line_and_style() -> None:
    cell = Cell("a", fill="#ffffff", line="#000000", style="dashed", columns=3)
    assert cell.markup() == (
        '<TD ALIGN="LEFT" BGCOLOR="#ffffff" BORDER="1" COLOR="#000000" COLSPAN="3" STYLE="dashed">a</TD>'
    )


@given(st.lists(nasty_texts, min_size=1, max_size=6))
def test_an_xml_parser_reads_back_every_text_and_no_other_element(texts: list[str]) -> None:
    cells = tuple(Cell(text, Font(bold=True)) for text in texts)
    root = ET.fromstring(table([cells, (Strip(cells),)]).text)
    read = ["".join(bold.itertext()) for bold in root.iter("B")]
    assert read == [shown(text).replace("\\", "\\\\") for text in texts] * 2  # graphviz takes a pair for one
    assert {element.tag for element in root.iter()} == {"TABLE", "TR", "TD", "B"}


@given(nasty_texts)
def test_escaped_text_holds_nothing_that_dot_or_graphviz_reads(text: str) -> None:
    assert not set(escape(text)) & set("<>\"'\\\n")
