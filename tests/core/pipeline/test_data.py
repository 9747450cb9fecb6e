"""Data in every form a user gives it: cut into batches, read again and again, in the same order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from clika_core.errors import DataError
from clika_core.pipeline.data import Batches
from clika_loopback.traced_model import trace
from tests.core.loopback.networks import Sketch

X = np.arange(10, dtype=np.float32).reshape(5, 2)


class Loader:
    """An iterable that starts anew each time, and counts how often."""

    def __init__(self) -> None:
        self.started = 0

    def __iter__(self) -> Iterator[Any]:
        self.started += 1
        return iter([X[:2], X[2:]])


def test_an_array_is_cut_along_its_first_axis() -> None:
    found = list(Batches(X, batch_size=2))
    assert [len(batch) for batch in found] == [2, 2, 1]
    np.testing.assert_array_equal(np.concatenate(found), X)


def test_a_dict_of_arrays_is_cut_alike() -> None:
    found = list(Batches({"a": X, "b": X[:, 0]}, batch_size=3))
    assert [set(batch) for batch in found] == [{"a", "b"}] * 2
    np.testing.assert_array_equal(np.concatenate([batch["b"] for batch in found]), X[:, 0])


def test_arrays_of_different_lengths_are_refused() -> None:
    with pytest.raises(DataError, match="different numbers of samples") as error:
        Batches({"a": X, "b": X[:3]})
    assert error.value.found == "{'a': 5, 'b': 3}"


@pytest.mark.parametrize("make", [lambda: [X[:2], X[2:]], Loader, lambda: iter([X[:2], X[2:]])])
def test_an_iterable_gives_its_batches_as_often_as_they_are_wanted(make: Any) -> None:
    batches = Batches(make())
    for _ in range(2):
        np.testing.assert_array_equal(np.concatenate(list(batches)), X)


def test_an_iterable_that_can_start_anew_is_not_kept() -> None:
    loader = Loader()
    batches = Batches(loader)
    assert loader.started == 0
    list(batches), list(batches)
    assert loader.started == 2


def test_only_the_first_batches_are_used_where_there_is_a_limit() -> None:
    assert [len(batch) for batch in Batches(X, batch_size=2, limit=2)] == [2, 2]
    assert list(Batches(X, limit=0)) == []


def test_the_first_batch_is_the_example() -> None:
    np.testing.assert_array_equal(Batches(X, batch_size=2).first(), X[:2])


@pytest.mark.parametrize("empty", [X[:0], [], {}, iter([])])
def test_data_without_a_batch_has_no_first(empty: Any) -> None:
    with pytest.raises(DataError, match="the data has no batch"):
        Batches(empty).first()


def test_what_holds_no_batches_is_refused() -> None:
    with pytest.raises(DataError, match="this is no calibration data") as error:
        Batches(3)
    assert error.value.found == "int"


def test_native_batches_stand_beside_the_inputs_of_the_graph() -> None:
    s = Sketch()
    model = s.output(s.op("sub", s.input("a", 2), s.input("b", 2)))
    traced = trace(model, (X, X))
    ((first, second),) = Batches({"b": X, "a": X + 1}, batch_size=8).native(traced)
    np.testing.assert_array_equal(first, X + 1)
    np.testing.assert_array_equal(second, X)


def test_a_batch_that_does_not_fit_is_named_by_its_input() -> None:
    s = Sketch()
    traced = trace(s.output(s.op("relu", s.input("image", 2))), X)
    with pytest.raises(DataError, match="input 'image' has a shape"):
        list(Batches([X, X[:, :1]]).native(traced))
