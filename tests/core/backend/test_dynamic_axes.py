"""`dynamic_axes`: inputs by name, by the end of a name, or by position; what cannot be meant is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest

from clika_core.backend.dynamic_axes import check_example, free_axes
from clika_core.errors import ModelError

NAMES = ("batch.image", "batch.mask", "scale")
SHAPES = ((2, 3, 8, 8), (2, 1), ())


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, ([], [], [])),
        ({"batch.image": [2, 3]}, ([2, 3], [], [])),
        ({"image": [-1]}, ([3], [], [])),
        ({0: [2], "batch.mask": (0, 1)}, ([2], [0, 1], [])),
        ({"image": 2, "mask": {0: "batch", 1: "length"}}, ([2], [0, 1], [])),
    ],
)
def test_axes_are_counted_from_the_front_of_each_input(wanted: Any, expected: Any) -> None:
    assert tuple(map(sorted, free_axes(wanted, NAMES, SHAPES))) == expected


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"imagine": [2]}, "dynamic_axes names an input that the model does not have: 'imagine'"),
        ({3: [0]}, "dynamic_axes names an input that the model does not have: 3"),
        ({True: [0]}, "dynamic_axes names an input that the model does not have: True"),
        ({"image": [4]}, "dynamic_axes frees an axis that input 'batch.image' does not have"),
        ({"scale": [0]}, "dynamic_axes frees an axis that input 'scale' does not have"),
        ({"image": ["height"]}, "dynamic_axes frees an axis that input 'batch.image' does not have"),
    ],
)
def test_what_is_not_there_is_refused(wanted: Any, message: str) -> None:
    with pytest.raises(ModelError, match=f"^{re.escape(message)}"):
        free_axes(wanted, NAMES, SHAPES)


def test_a_name_that_is_nearly_right_is_offered() -> None:
    with pytest.raises(ModelError) as raised:
        free_axes({"batch.imag": [2]}, NAMES, SHAPES)
    assert raised.value.fix == "did you mean 'batch.image'?"


def test_the_end_of_a_name_will_not_do_where_two_inputs_have_it() -> None:
    with pytest.raises(ModelError):
        free_axes({"ids": [1]}, ("source.ids", "target.ids"), ((2, 5), (2, 5)))


def test_an_example_has_to_show_more_than_one_place_of_a_free_axis() -> None:
    check_example(free_axes({"image": [2], "mask": [0]}, NAMES, SHAPES), NAMES, SHAPES)
    with pytest.raises(ModelError, match=r"too little of axis 1 of input 'batch\.mask'"):
        check_example(free_axes({"mask": [1]}, NAMES, SHAPES), NAMES, SHAPES)
