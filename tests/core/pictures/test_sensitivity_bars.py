"""Bars of QS are in proportion, in the order of the layers; the least ones are left out where there are too many."""

from __future__ import annotations

import re

from clika_core.pictures.sensitivity_bars import LONGEST_POINTS, MOST_LAYERS, sensitivity_picture


def widths(text: str) -> list[int]:
    return [
        int(width) for width in re.findall(r'BGCOLOR="#\w+" FIXEDSIZE="TRUE" HEIGHT="10" WIDTH="(\d+)"', text)
    ]


def test_bars_are_in_proportion_and_in_order() -> None:
    text = sensitivity_picture({"conv_1": 0.2, "a<b": 0.4, "linear_1": 0.0}).render()
    assert widths(text) == [LONGEST_POINTS // 2, LONGEST_POINTS, 1]
    assert text.index("conv_1") < text.index("a&lt;b") < text.index("linear_1")


def test_the_least_sensitive_layers_are_left_out_of_many() -> None:
    text = sensitivity_picture({f"layer_{n}": n / 1000 for n in range(MOST_LAYERS + 7)}).render()
    assert len(widths(text)) == MOST_LAYERS
    assert "7 layers below 0.007 left out" in text
    assert "layer_6<" not in text
    assert "layer_7<" in text


def test_no_layer_at_all_is_a_picture_too() -> None:
    assert widths(sensitivity_picture({}).render()) == []
