"""The sum with a bias, and the reshapes around a dense layer over several axes, belong to the layer."""

from __future__ import annotations

import pytest

from clika_core.ir.assembly import assemble
from clika_core.ir.graph import Node
from clika_core.ir.recording import Ref
from clika_core.testing import RecordingBuilder


def layers(r: RecordingBuilder, output: Ref) -> list[Node]:
    r.output(output)
    return list(assemble(r.build()).graph.layers)


def conv(r: RecordingBuilder, channel_axis: int = 1) -> Ref:
    shape = ("s0", 8, 6, 6) if channel_axis == 1 else ("s0", 6, 6, 8)
    weight = r.parameter("weight", (8, 8, 1, 1))
    return r.op("conv", r.input("x", shape), weight, shape=shape, channel_axis=channel_axis, groups=1)


@pytest.mark.parametrize(
    ("axis", "spread"), [(1, (8, 1, 1)), (1, (1, 8, 1, 1)), (3, (8,)), (3, (1, 1, 1, 8))]
)
def test_a_sum_along_the_channels_is_the_bias_of_a_convolution(axis: int, spread: tuple[int, ...]) -> None:
    r = RecordingBuilder()
    (node,) = layers(r, r.op("add", conv(r, axis), r.reshape(r.parameter("bias", (8,)), spread)))
    assert [(weight.role, weight.identity, weight.shape) for weight in node.weights] == [
        ("weight", "weight", (8, 8, 1, 1)),
        ("bias", "bias", (8,)),
    ]
    assert dict(node.attributes) == {"channel_axis": axis, "groups": 1}


@pytest.mark.parametrize(("axis", "shape"), [(1, (6,)), (3, (8, 1, 1)), (1, ()), (1, (8, 6, 6))])
def test_a_sum_with_anything_else_stays_a_sum(axis: int, shape: tuple[int, ...]) -> None:
    r = RecordingBuilder()
    if shape == (8, 1, 1) and axis == 3:
        shape = (6, 1)
    found = layers(r, r.op("add", conv(r, axis), r.parameter("other", shape)))
    assert [node.type for node in found] == ["conv", "add"]


def test_a_sum_that_others_read_the_operands_of_stays_a_sum() -> None:
    r = RecordingBuilder()
    product = r.op("linear", r.input("x", ("s0", 4)), r.parameter("w", (4, 4)))
    r.output(product)
    assert [node.type for node in layers(r, r.op("add", product, r.parameter("b", (4,))))] == [
        "linear",
        "add",
    ]


def dense(r: RecordingBuilder, after: tuple[str | int, ...]) -> Ref:
    x = r.input("x", ("s0", 5, 4))
    flat = r.op("reshape", x, shape=("s1", 4))
    return r.op("reshape", r.op("linear", flat, r.parameter("w", (3, 4))), shape=after)


def test_a_dense_layer_over_several_axes_is_one_layer() -> None:
    r = RecordingBuilder()
    (node,) = layers(r, r.op("add", dense(r, ("s0", 5, 3)), r.parameter("b", (3,))))
    assert (node.type, [weight.role for weight in node.weights]) == ("linear", ["weight", "bias"])
    assert [part.type for part in node.body] == ["reshape", "linear", "reshape", "add"]
    r = RecordingBuilder()
    (node,) = layers(r, dense(r, ("s0", 5, 3)))
    assert [weight.role for weight in node.weights] == ["weight"]


def test_reshapes_that_mix_axes_are_layers_of_their_own() -> None:
    r = RecordingBuilder()
    found = layers(r, dense(r, ("s0", 3, 5)))
    assert [node.type for node in found] == ["reshape", "linear", "reshape"]
