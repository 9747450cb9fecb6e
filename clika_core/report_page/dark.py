"""The picture on a dark screen: every colour that `clika_core.pictures.palette` gives it, and the one it becomes."""

from __future__ import annotations

from typing import Final

from clika_core.pictures.palette import FLOWS, GREY, INK, LOOKS, Flow, Role

_BLUE, _GREEN = LOOKS[Role.INPUT], LOOKS[Role.QUANTIZED]
_YELLOW, _WHITE = LOOKS[Role.FLOAT], LOOKS[Role.BORDER]

DARK: Final = {
    "white": "#14181d",
    INK: "#eef3f7",
    GREY: "#b3bfca",
    _BLUE.fill: "#16304d",
    _BLUE.line: "#6aa9ea",
    _BLUE.accent: "#a9cdf3",
    _BLUE.rule: "#33597f",
    _GREEN.fill: "#173524",
    _GREEN.line: "#5cbb78",
    _GREEN.accent: "#9bdcae",
    _GREEN.rule: "#33673f",
    _YELLOW.fill: "#3a3113",
    _YELLOW.line: "#d9a92f",
    _YELLOW.accent: "#f0cf7a",
    _YELLOW.rule: "#6d5a1e",
    _WHITE.fill: "#1d232a",
    _WHITE.line: "#a3b0bd",
    _WHITE.rule: "#5a6672",
    FLOWS[Flow.FLOAT]["color"]: "#98a5b2",
}
"""By colour in the light; written as the SVG writes them."""


def dark_rules() -> str:
    """CSS rules, one per colour and use, for the inside of a media query."""
    return "\n".join(
        f'.graph [{use}="{light}"] {{ {use}: {dark}; }}'
        for light, dark in DARK.items()
        for use in ("fill", "stroke")
    )
