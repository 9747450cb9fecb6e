"""Data shows which axes are free: those along which its batches differ in size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

from clika_core.errors import DataError
from clika_core.pipeline.data import Batches
from clika_core.pipeline.varying import LOOKED_AT, shown_ahead, shown_by, varying_axes


def ids(count: int, length: int) -> dict[str, Any]:
    return {"ids": np.zeros((count, length), np.int64), "scale": np.float32(1)}


class Pair(NamedTuple):
    left: Any
    right: Any


@dataclass
class Example:
    pair: Pair
    name: str = "one"


@pytest.mark.parametrize(
    ("batches", "expected"),
    [
        ([], {}),
        ([ids(4, 7), ids(2, 7)], {}),
        ([ids(4, 7), ids(4, 7), ids(1, 9)], {"ids": [1]}),
        ([np.zeros((2, 3, 8, 8)), np.zeros((2, 3, 8, 9)), np.zeros((2, 3, 7, 8))], {0: [2, 3]}),
        (
            [
                (np.zeros((2, 5)), [np.zeros((2, 1)), np.zeros((2, 2))]),
                (np.zeros((2, 5)), [np.zeros((2, 1)), np.zeros((2, 3))]),
            ],
            {2: [1]},
        ),
        (
            [{"batch": {"x": np.zeros((2, k)), "y": [np.zeros((2, k))]}} for k in (3, 4)],
            {"batch.x": [1], "batch.y.0": [1]},
        ),
        ([(Example(Pair(np.zeros(2), np.zeros((2, k)))),) for k in (3, 4)], {1: [1]}),
    ],
)
def test_axes_are_found_in_every_form_of_a_batch(batches: Any, expected: Any) -> None:
    assert varying_axes(batches) == expected


def test_the_example_is_the_first_batch_that_is_long_enough() -> None:
    data = Batches([ids(4, 1), ids(4, 7), ids(4, 5)])
    shown = shown_by(data)
    assert shown.axes == {"ids": [1]}
    assert shown.example["ids"].shape == (4, 7)


def test_an_example_of_the_users_counts_as_a_batch() -> None:
    shown = shown_by(Batches([ids(4, 7), ids(4, 7)]), ids(1, 9))
    assert shown.axes == {"ids": [1]}
    assert shown.example["ids"].shape == (1, 9)


class Loader:
    """Batches that are made anew whenever they are read."""

    def __init__(self) -> None:
        self.made = 0

    def __iter__(self) -> Iterator[Any]:
        for length in range(3, 100):
            self.made += 1
            yield ids(2, length)


def test_of_data_that_is_made_anew_only_the_beginning_is_looked_at() -> None:
    loader = Loader()
    shown = shown_by(Batches(loader))
    assert (shown.axes, loader.made) == ({}, 1)
    assert shown_ahead(Batches(loader), shown.example) == {"ids": [1]}
    assert loader.made == 1 + LOOKED_AT


def test_there_is_nothing_ahead_of_data_in_memory() -> None:
    assert shown_ahead(Batches([ids(2, 3), ids(2, 4)]), ids(2, 3)) == {}


def test_data_without_a_batch_is_refused() -> None:
    with pytest.raises(DataError, match="the data has no batch"):
        shown_by(Batches([]))
