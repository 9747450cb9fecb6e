"""Texts are bounded in length and number, and say what they leave out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clika_core.pictures.dot import visible
from clika_core.pictures.fitting import (
    LINE_CHARACTERS,
    MOST_LINES,
    bounded,
    joined,
    named,
    shorten,
    shorten_start,
    wrapped,
)


@given(st.text(max_size=60), st.integers(3, 40))
def test_a_shortened_text_fits_and_keeps_both_ends(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short) <= limit
    head, _, tail = short.partition("…")
    seen = visible(text)
    assert short == seen or (seen.startswith(head) and seen.endswith(tail))


def test_a_long_name_loses_its_middle() -> None:
    assert shorten("adaptive_avg_pool_1", 11) == "adapt…ool_1"


def test_a_long_path_loses_its_beginning() -> None:
    assert shorten_start("encoder.layer.0.attention", 12) == "…0.attention"
    assert shorten_start("encoder", 12) == "encoder"


def test_too_many_lines_are_counted() -> None:
    assert bounded(["a", "b", "c", "d"], 3) == ["a", "b", "… 2 more"]
    assert bounded(["a", "b", "c"], 3) == ["a", "b", "c"]


def test_too_many_names_are_counted() -> None:
    assert named(["a", "b", "c"]) == "a, b, c"
    assert named(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


def test_items_are_joined_as_far_as_they_fit() -> None:
    items = ["kernel_size 3×3", "strides 2×2", "padding 1×1", "dilations 2×2"]
    assert joined(items) == ["kernel_size 3×3, strides 2×2, padding 1×1", "dilations 2×2"]


@given(st.lists(st.text(max_size=70), max_size=30))
def test_joined_items_are_bounded_in_both_directions(items: list[str]) -> None:
    lines = joined(items)
    assert len(lines) <= MOST_LINES
    assert all(len(line) <= LINE_CHARACTERS for line in lines)


@given(st.text(max_size=600))
def test_wrapped_text_is_bounded_in_both_directions(text: str) -> None:
    lines = wrapped(text)
    assert len(lines) <= MOST_LINES
    assert all(len(line) <= LINE_CHARACTERS for line in lines)
