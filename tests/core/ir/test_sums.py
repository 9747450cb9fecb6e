"""A sum and the count that divides it are a mean, or an average pool."""

from __future__ import annotations

from typing import Any

import pytest

from clika_core.ir.assembly import assemble
from clika_core.ir.graph import Node
from clika_core.ir.recording import Ref
from clika_core.testing import RecordingBuilder


def layers(r: RecordingBuilder, result: Ref) -> tuple[Node, ...]:
    r.output(result)
    return assemble(r.build()).graph.layers


def test_a_sum_over_windows_divided_by_their_size_is_an_average_pool() -> None:
    r = RecordingBuilder()
    window: dict[str, Any] = {
        "kernel_size": (2, 2),
        "strides": (2, 2),
        "padding": ((0, 0), (0, 0)),
        "ceil_mode": False,
    }
    total = r.op("sum_pool", r.input("x", (2, 6, 6, 6)), shape=(2, 6, 3, 3), **window)
    (pool,) = layers(r, r.op("div", total, 4.0))
    assert (pool.type, pool.attributes["count_include_pad"]) == ("avg_pool", True)
    r = RecordingBuilder()
    total = r.op("sum_pool", r.input("x", (2, 6, 6, 6)), shape=(2, 6, 3, 3), **window)
    assert [node.type for node in layers(r, r.op("div", total, 3.0))] == ["sum_pool", "div"]


def test_windows_divided_by_what_they_hold_of_the_input_do_not_count_the_padding() -> None:
    r = RecordingBuilder()
    window: dict[str, Any] = {
        "kernel_size": (3, 3),
        "strides": (1, 1),
        "padding": ((1, 1), (1, 1)),
        "ceil_mode": False,
    }
    total = r.op("sum_pool", r.input("x", (2, 6, 6, 6)), shape=(2, 6, 6, 6), **window)
    ones = r.op("full", shape=(2, 6, 6, 6), value=1.0)
    (pool,) = layers(r, r.op("div", total, r.op("sum_pool", ones, shape=(2, 6, 6, 6), **window)))
    assert (pool.type, pool.attributes["count_include_pad"]) == ("avg_pool", False)


@pytest.mark.parametrize("keep_dims", [True, False])
def test_a_sum_divided_by_the_number_of_elements_is_a_mean(keep_dims: bool) -> None:
    r = RecordingBuilder()
    total = r.op("sum", r.input("x", (2, 4, 4)), axes=(1, 2), keep_dims=keep_dims)
    (mean,) = layers(r, r.op("div", total, 16.0))
    assert (mean.type, dict(mean.attributes)) == ("mean", {"axes": (1, 2), "keep_dims": keep_dims})


def test_axes_that_come_back_before_the_division_are_kept() -> None:
    r = RecordingBuilder()
    total = r.op("sum", r.input("x", (2, 4, 4)), axes=(2,), keep_dims=False)
    (mean,) = layers(r, r.op("mul", 0.25, r.op("unsqueeze", total, axes=(2,), shape=(2, 4, 1))))
    assert dict(mean.attributes) == {"axes": (2,), "keep_dims": True}


def test_a_sum_divided_by_another_number_is_no_mean() -> None:
    r = RecordingBuilder()
    total = r.op("sum", r.input("x", (2, 4, 4)), axes=(1, 2), keep_dims=False)
    assert [node.type for node in layers(r, r.op("div", total, 15.0))] == ["sum", "div"]


def test_a_mean_over_a_free_number_of_elements_is_left_alone() -> None:
    r = RecordingBuilder()
    total = r.op("sum", r.input("x", ("n", 4)), axes=(0,), keep_dims=False, shape=(4,))
    assert [node.type for node in layers(r, r.op("div", total, 2.0))] == ["sum", "div"]
