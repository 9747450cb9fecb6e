"""Errors say what was found, what was expected and how to fix it, each on its line."""

from __future__ import annotations

import inspect
import time

import pytest

from clika_core import errors
from clika_core.errors import ClikaError, Location, SettingsError, nearest


def test_a_message_has_its_parts_on_lines_of_their_own() -> None:
    error = SettingsError(
        "no such key", found="'x'", expected="'y'", fix="write y", location=Location("s.yaml", 3)
    )
    assert str(error) == "s.yaml:3: no such key\n  found: 'x'\n  expected: 'y'\n  fix: write y"


def test_parts_that_are_not_given_leave_no_line() -> None:
    assert str(ClikaError("broken")) == "broken"


def test_the_tree_in_the_docstring_names_every_exception() -> None:
    classes = [
        name for name, item in vars(errors).items() if inspect.isclass(item) and issubclass(item, ClikaError)
    ]
    assert errors.__doc__ is not None
    assert [name for name in classes if name not in errors.__doc__] == []


@pytest.mark.parametrize(
    ("word", "expected"), [("liner_5", "linear_5"), ("LINEAR_5", "linear_5"), ("conv1", "conv_1")]
)
def test_the_nearest_name_comes_first(word: str, expected: str) -> None:
    assert nearest(word, ["conv_1", "linear_5", "softmax_1"])[0] == expected


def test_nothing_far_away_is_offered() -> None:
    assert nearest("zzz", ["conv_1", "linear_5"]) == []


def test_of_very_many_candidates_those_that_begin_or_end_alike_are_compared() -> None:
    many = [f"blocks.{n}.conv" for n in range(200_000)]
    start = time.process_time()
    assert nearest("blocks.777.cnov", many)[0] == "blocks.777.conv"
    assert nearest("bloks.777.conv", many)[0] == "blocks.777.conv"
    assert time.process_time() - start < 2
