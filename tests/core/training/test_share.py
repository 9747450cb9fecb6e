"""Shares of a batch: together the whole batch in order, each sample once, whatever holds the arrays."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
import pytest

from clika_core.backend.workers import Workers
from clika_core.training.share import Share, num_samples, share_of
from tests.core.together import ThreadWorkers

Pair = namedtuple("Pair", "left right")


def worker(rank: int, count: int) -> Workers:
    return ThreadWorkers(rank, count, None)  # type: ignore[arg-type]


def shares(inputs: Any, targets: Any, count: int, **more: bool) -> list[Share]:
    return [share_of(inputs, targets, worker(rank, count), **more) for rank in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("size", [7, 8, 12])
def test_shares_are_the_batch_in_order(size: int, count: int) -> None:
    x = np.arange(size * 2).reshape(size, 2)
    found = shares({"x": x, "flag": 3}, (x[:, 0], {"y": x}), count)
    np.testing.assert_array_equal(np.concatenate([s.inputs["x"] for s in found]), x)
    np.testing.assert_array_equal(np.concatenate([s.targets[0] for s in found]), x[:, 0])
    assert all(s.inputs["flag"] == 3 for s in found)
    assert sum(s.size for s in found) == size
    assert max(s.size for s in found) - min(s.size for s in found) <= 1


@pytest.mark.parametrize("size", [5, 7, 8])
def test_weights_make_the_mean_of_means_that_of_the_batch(size: int) -> None:
    x = np.random.default_rng(0).standard_normal(size)
    found = shares(x, None, 3)
    assert np.mean([s.weight * s.inputs.mean() for s in found]) == pytest.approx(x.mean())


def test_a_worker_without_samples_gets_one_that_counts_for_nothing() -> None:
    found = shares(np.arange(2.0), np.arange(2), 4)
    assert [(s.size, s.weight, len(s.inputs)) for s in found] == [(1, 2, 1), (1, 2, 1), (0, 0, 1), (0, 0, 1)]


def test_lists_with_an_entry_per_sample_are_cut_and_others_are_not() -> None:
    boxes = [{"boxes": np.zeros((n, 4))} for n in (1, 2, 5, 0)]
    found = shares(np.zeros((4, 3)), boxes, 2)
    assert [len(b["boxes"]) for b in found[1].targets] == [5, 0]
    both = shares([np.zeros((2, 3)), np.ones((2, 3))], Pair(np.zeros(2), np.float32(1)), 2)
    assert [array.shape for array in both[0].inputs] == [(1, 3), (1, 3)]
    assert isinstance(both[0].targets, Pair)
    assert both[0].targets.right == 1


def test_a_divided_dataset_is_taken_as_it_comes() -> None:
    for share in shares(np.zeros((5, 2)), None, 2, is_divided=True):
        assert (share.size, share.weight, len(share.inputs)) == (5, 1.0, 5)


def test_samples_are_counted_in_the_first_array() -> None:
    assert num_samples({"a": 3, "b": [np.zeros((4, 1))]}) == 4
