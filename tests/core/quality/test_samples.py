"""Samples are whole batches, joined while they fit: at least one, never more than what memory should hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from clika_core.quality import samples
from clika_core.quality.samples import MAX_SAMPLES, joined_samples
from clika_loopback.model import LoopbackModel
from clika_loopback.traced_model import trace
from tests.core.loopback.networks import Sketch, batches


def small() -> LoopbackModel:
    s = Sketch()
    return s.output(s.linear(s.input("x", 8), 8, 3))


def joined(model: LoopbackModel, data: list[Any]) -> np.ndarray:
    return np.asarray(joined_samples(trace(model, data[0]), iter(data))[0])


def test_batches_are_joined_in_order() -> None:
    data = batches(small(), count=3, size=8)
    np.testing.assert_array_equal(joined(small(), data), np.concatenate([batch[0] for batch in data]))


def test_no_more_batches_are_read_than_are_used() -> None:
    data = batches(small(), count=9, size=16)
    waiting = iter(data)
    joined_samples(trace(small(), data[0]), waiting)
    assert len(list(waiting)) == 9 - MAX_SAMPLES // 16


def test_a_first_batch_that_is_larger_than_the_limit_is_taken_whole() -> None:
    data = batches(small(), count=2, size=MAX_SAMPLES + 5)
    assert len(joined(small(), data)) == MAX_SAMPLES + 5


def test_large_values_leave_room_for_fewer_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "MAX_ELEMENTS", 3 * 20)
    assert len(joined(small(), batches(small(), count=5, size=8))) == 16


def test_a_last_batch_of_another_size_joins() -> None:
    data = [*batches(small(), count=1, size=8), *batches(small(), count=1, size=3)]
    assert len(joined(small(), data)) == 11


def test_inputs_of_a_fixed_first_axis_are_not_joined() -> None:
    s = Sketch()
    model = LoopbackModel("fixed")
    s.model = model
    x = model.input("x", (4, 8), "float32")
    model = s.output(s.linear(x, 8, 3))
    data = [(np.ones((4, 8), np.float32),), (np.zeros((4, 8), np.float32),)]
    np.testing.assert_array_equal(joined(model, data), data[0][0])


def free() -> LoopbackModel:
    s = Sketch()
    s.model.output(s.op("relu", s.model.input("x", ("n", "length"), "float32")))
    return s.model


def test_of_several_sizes_the_most_samples_are_joined() -> None:
    data = [(np.full((8, length), i, np.float32),) for i, length in enumerate((5, 7, 5, 9, 7, 7))]
    found = joined(free(), data)
    assert found.shape == (24, 7)
    assert set(found[:, 0]) == {1, 4, 5}


def test_of_several_sizes_the_first_that_are_enough_are_joined() -> None:
    data = [(np.full((32, length), i, np.float32),) for i, length in enumerate((5, 7, 5, 7, 7, 7))]
    waiting = iter(data)
    assert np.asarray(joined_samples(trace(free(), data[0]), waiting)[0]).shape == (64, 5)
    assert len(list(waiting)) == 3
