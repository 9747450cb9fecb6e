"""QS of every layer as a picture: one bar per layer, in trace order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from clika_core.pictures.dot import DotGraph, DotNode
from clika_core.pictures.markup import Bar, Cell, Font, table
from clika_core.pictures.palette import GREY, INK, LOOKS, TYPEFACE, Role

LONGEST_POINTS: Final = 360
MOST_LAYERS: Final = 200  # the most sensitive ones; more than that nobody reads


def sensitivity_picture(sensitivities: Mapping[str, float]) -> DotGraph:
    """Bars in proportion to QS, finite and not negative, by layer."""
    shown = sorted(sensitivities.values(), reverse=True)[:MOST_LAYERS]
    least, most = min(shown, default=0.0), max(shown, default=0.0)
    color = LOOKS[Role.QUANTIZED].line
    rows = [
        (
            Cell(name, Font(color=INK)),
            Bar(max(1, round(LONGEST_POINTS * (qs / most if most else 0.0))), LONGEST_POINTS, color),
            Cell(f"{qs:.3g}", Font(color=GREY)),
        )
        for name, qs in sensitivities.items()
        if qs >= least
    ]
    left_out = len(sensitivities) - len(rows)
    title = "QS, ||Q - F|| / ||F||" + (f"; {left_out} layers below {least:.3g} left out" if left_out else "")
    head = (Cell(title, Font(color=INK, bold=True), columns=3),)
    label = table([head, *rows], padding=2)
    return DotGraph(
        (DotNode("sensitivity", {"label": label, "shape": "plain"}),),
        attributes={"bgcolor": "white"},
        node_attributes={"fontname": TYPEFACE},
        name="sensitivity",
    )
