"""Names: stems in snake case, counters, no name twice."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clika_core.ir.naming import Names, snake_case
from clika_core.ir.operators import OPERATORS


@pytest.mark.parametrize(
    ("type_name", "stem"),
    [
        ("conv", "conv"),
        ("adaptive_avg_pool", "adaptive_avg_pool"),
        ("Conv2D", "conv2d"),
        ("BatchMatMulV2", "batch_mat_mul_v2"),
        ("LRN", "lrn"),
        ("FFTShift", "fft_shift"),
        ("aten.foo.default", "aten_foo_default"),
        ("my::op", "my_op"),
        ("größe", "gr_e"),
        ("¿?", "operator"),
        ("", "operator"),
    ],
)
def test_a_type_becomes_a_stem_in_snake_case(type_name: str, stem: str) -> None:
    assert snake_case(type_name) == stem


@pytest.mark.parametrize("type_name", sorted(OPERATORS))
def test_types_of_the_vocabulary_are_their_own_stem(type_name: str) -> None:
    assert snake_case(type_name) == type_name


@given(st.text())
def test_stems_hold_nothing_but_small_letters_digits_and_underscores(type_name: str) -> None:
    assert re.fullmatch(r"[a-z0-9_]+", snake_case(type_name))


def test_each_stem_counts_from_one() -> None:
    names = Names()
    assert [names.number(stem) for stem in ("conv", "relu", "conv")] == ["conv_1", "relu_1", "conv_2"]


def test_a_number_that_is_taken_is_passed_over() -> None:
    names = Names()
    assert names.claim("relu_1") == "relu_1"
    assert names.number("relu") == "relu_2"


def test_a_name_wanted_twice_gets_a_suffix() -> None:
    names = Names()
    assert [names.claim("x"), names.claim("x"), names.claim("x")] == ["x", "x_2", "x_3"]


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["a", "a_1", "a_1_2", "b", "b_2"]))))
def test_no_name_is_given_twice(requests: list[tuple[bool, str]]) -> None:
    names = Names()
    given_names = [names.claim(word) if claim else names.number(word) for claim, word in requests]
    assert len(set(given_names)) == len(given_names)
