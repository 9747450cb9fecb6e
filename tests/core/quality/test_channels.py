"""Channels are followed from the layer that makes them to those that read them, through any movement."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from clika_core.quality.channels import Channels, Tagged, follow_channels, may_be_scaled
from clika_core.quality.equalization import sizes
from clika_loopback.model import LoopbackModel
from clika_loopback.traced_model import trace
from tests.core.loopback.networks import Sketch, batches


def followed(model: LoopbackModel) -> Channels:
    data = batches(model)[0]
    traced = trace(model, data)
    measured = {(node.name, 0) for node in traced.graph.layers}
    return follow_channels(traced, data, measured, sizes)


@pytest.mark.parametrize(
    ("between", "may_be"), [("relu", True), ("max_pool", True), ("gelu", False), ("sigmoid", False)]
)
def test_types_alone_tell_where_nothing_can_be_scaled(between: str, may_be: bool) -> None:
    s = Sketch()
    named = {"kernel_size": (2, 2), "strides": (1, 1)} if between == "max_pool" else {}
    x = s.op(between, s.conv(s.input("x", 3, 6, 6), 3, 4), **named)
    model = s.output(s.conv(x, 4, 2))
    assert may_be_scaled(trace(model, batches(model)[0]).graph) == may_be


def test_a_sum_passes_channels_on_and_a_layer_alone_has_no_reader() -> None:
    found = []
    for is_read in (True, False):
        s = Sketch()
        x = s.input("x", 4, 6, 6)
        added = s.op("add", s.conv(x, 4, 4), x)
        model = s.output(s.conv(added, 4, 2) if is_read else added)
        found.append(may_be_scaled(trace(model, batches(model)[0]).graph))
    assert found == [True, False]


def free(found: Channels, layer: str) -> list[bool]:
    return [bool(flag) for flag in found.free()[found.made[layer]]]


def chain(*ops: tuple[str, dict[str, Any]]) -> Channels:
    """A convolution to four channels, these layers, and a convolution that reads them."""
    s = Sketch()
    x = s.conv(s.input("x", 3, 6, 6), 3, 4)
    for name, named in ops:
        x = s.op(name, x, **named)
    return followed(s.output(s.conv(x, 4, 2)))


@pytest.mark.parametrize("name", ["relu", "leaky_relu"])
def test_what_lets_positive_factors_pass_is_looked_through(name: str) -> None:
    found = chain((name, {}))
    assert free(found, "conv_1") == [True] * 4
    np.testing.assert_array_equal(found.read["conv_2"], found.made["conv_1"])


@pytest.mark.parametrize("name", ["relu6", "sigmoid", "hard_swish", "gelu"])
def test_what_does_not_fixes_the_channels(name: str) -> None:
    found = chain((name, {}))
    assert free(found, "conv_1") == [False] * 4
    assert "conv_2" not in found.read


def test_what_leaves_the_model_is_fixed() -> None:
    s = Sketch()
    h = s.conv(s.input("x", 3, 6, 6), 3, 4)
    found = followed(s.output(s.conv(h, 4, 2), h))
    assert not any(free(found, "conv_1") + free(found, "conv_2"))


def test_channels_of_a_sum_are_the_same() -> None:
    s = Sketch()
    first = s.conv(s.input("x", 3, 6, 6), 3, 4)
    total = s.op("relu", s.op("add", first, s.conv(s.op("relu", first), 4, 4)))
    found = followed(s.output(s.conv(total, 4, 2)))
    roots = found.classes.roots
    np.testing.assert_array_equal(roots[found.made["conv_1"]], roots[found.made["conv_2"]])
    assert free(found, "conv_1") == free(found, "conv_2") == [True] * 4


def test_a_sum_with_something_unknown_fixes_the_channels() -> None:
    s = Sketch()
    x = s.input("x", 4, 6, 6)
    found = followed(s.output(s.conv(s.op("add", s.conv(x, 4, 4), x), 4, 2)))
    assert free(found, "conv_1") == [False] * 4


def test_flattening_gives_every_place_its_channel() -> None:
    s = Sketch()
    h = s.op("flatten", s.op("relu", s.conv(s.input("x", 3, 2, 2), 3, 4)), start_axis=1, end_axis=-1)
    found = followed(s.output(s.linear(h, 16, 3)))
    np.testing.assert_array_equal(found.read["linear_1"], np.repeat(found.made["conv_1"], 4))


def test_permuting_first_orders_them_otherwise() -> None:
    s = Sketch()
    h = s.op("permute", s.conv(s.input("x", 3, 2, 2), 3, 4), axes=(0, 2, 3, 1))
    found = followed(s.output(s.linear(s.op("flatten", h, start_axis=1, end_axis=-1), 16, 3)))
    np.testing.assert_array_equal(found.read["linear_1"], np.tile(found.made["conv_1"], 4))


def test_a_concatenation_keeps_both_sides_apart() -> None:
    s = Sketch()
    x = s.input("x", 3, 6, 6)
    joined = s.op("concat", s.conv(x, 3, 2), s.conv(x, 3, 3), axis=1)
    found = followed(s.output(s.conv(joined, 5, 2)))
    wanted = [*found.made["conv_1"], *found.made["conv_2"]]
    np.testing.assert_array_equal(found.read["conv_3"], wanted)


def test_padding_with_zeros_passes_and_with_anything_else_does_not() -> None:
    pads = ((0, 0), (0, 0), (1, 1), (1, 1))
    assert free(chain(("pad", {"pads": pads, "mode": "constant", "value": 0.0})), "conv_1") == [True] * 4
    assert free(chain(("pad", {"pads": pads, "mode": "constant", "value": 1.0})), "conv_1") == [False] * 4


def test_shared_weights_fix_what_they_read_and_make() -> None:
    s = Sketch()
    weight = s.model.parameter("shared", s.weights(4, 4))
    h = s.op("linear", s.linear(s.input("x", 8), 8, 4), weight=weight)
    found = followed(s.output(s.linear(s.op("linear", h, weight=weight), 4, 2)))
    assert not any(free(found, "linear_1"))


def test_numbers_that_differ_along_two_axes_are_no_channels() -> None:
    assert Tagged.of(np.arange(6.0).reshape(1, 2, 3)) is None
    found = Tagged.of(np.broadcast_to(np.arange(3.0)[:, None], (2, 3, 4)))
    assert found is not None
    assert (found.axis, found.numbers.tolist()) == (1, [0, 1, 2])
