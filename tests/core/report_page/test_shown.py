"""Numbers as a reader sees them."""

from __future__ import annotations

import pytest

from clika_core.report_page.shown import (
    kilobytes,
    milliseconds,
    percent,
    plain_number,
    printable,
    significant,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0123456, "0.0123"),
        (12345.6, "12,346"),
        (0, "0.00"),
        (1.0, "1.00"),
        (999.9, "1,000"),
        (1e-9, "1.00e-09"),
        ("inf", "∞"),
        (float("-inf"), "−∞"),
        ("nan", "not a number"),
        (None, "–"),
        (True, "–"),
        ("12", "–"),
    ],
)
def test_three_digits_say_enough(value: object, text: str) -> None:
    assert significant(value) == text


def test_a_share_just_below_one_is_not_rounded_up_to_all() -> None:
    assert percent(0.999999) == "> 99.99 %"
    assert percent(1) == "100.00 %"
    assert percent(0.996) == "99.60 %"
    assert percent(None) == "–"


def test_sizes_and_times_carry_their_units() -> None:
    assert [kilobytes(size) for size in (12, 1_850_935, 97_000_000, None)] == [
        "12 bytes",
        "1,851 kB",
        "97.0 MB",
        "–",
    ]
    assert milliseconds(0.000577) == "0.577 ms"


def test_what_json_cannot_hold_becomes_a_word() -> None:
    assert [plain_number(x) for x in (1, "inf", float("nan"), None)] == [1.0, "inf", "nan", None]


def test_texts_inside_anything_become_printable() -> None:
    assert printable({"a\n": ["\u202e", 1, ("x",)]}) == {"a\\u{a}": ["\\u{202e}", 1, ["x"]]}
