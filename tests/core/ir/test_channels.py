"""Where channels are, and what follows from it: which norms fold, which means are global pools."""

from __future__ import annotations

import pytest

from clika_core.ir.assembly import assemble
from clika_core.ir.channels import channel_axis
from clika_core.ir.graph import Graph, Node, NodeKind
from clika_core.ir.recording import Ref
from clika_core.ir.removals import removals
from clika_core.testing import RecordingBuilder


def node(type_name: str, **attributes: int) -> Node:
    return Node("n", type_name, NodeKind.LAYER, attributes=attributes)


def test_channels_are_on_axis_one_unless_the_layer_says_otherwise() -> None:
    assert channel_axis(node("conv")) == 1
    assert channel_axis(node("conv", channel_axis=3)) == 3
    assert channel_axis(node("linear")) == -1


def network(last: bool, mean_axes: tuple[int, ...], *, keep_dims: bool = False, norm_axis: int = 3) -> Graph:
    r = RecordingBuilder()
    shape = ("s0", 6, 6, 4) if last else ("s0", 4, 6, 6)
    channels = 3 if last else 1
    y = r.op("conv", r.input("x", shape), r.parameter("w", (4, 4, 1, 1)), shape=shape, channel_axis=channels)
    y = r.op("batch_norm", y, *(r.parameter(name, (4,)) for name in "abcd"), axis=norm_axis)
    y = r.op("relu", r.op("add", y, y))
    r.output(r.op("mean", y, axes=mean_axes, keep_dims=keep_dims))
    return assemble(r.build()).graph


@pytest.mark.parametrize("keep_dims", [False, True])
@pytest.mark.parametrize("last", [False, True])
def test_a_mean_over_all_of_space_is_a_global_pool(last: bool, keep_dims: bool) -> None:
    axes = (1, 2) if last else (2, 3)
    graph = network(last, axes, keep_dims=keep_dims, norm_axis=3 if last else 1)
    attributes = dict(graph["adaptive_avg_pool_1"].attributes)
    assert attributes.pop("output_size") == (1, 1)
    assert attributes.pop("channel_axis", 1) == (3 if last else 1)
    assert attributes.pop("keep_dims", True) is keep_dims
    assert not attributes


def test_a_mean_over_a_part_of_space_or_over_channels_is_a_mean() -> None:
    for axes in ((1,), (2, 3), (1, 2, 3)):
        assert "mean_1" in network(True, axes)


def test_a_mean_of_what_no_spatial_operator_computed_is_a_mean() -> None:
    r = RecordingBuilder()
    r.output(r.op("mean", r.input("x", ("s0", 6, 6, 4)), axes=(1, 2), keep_dims=False))
    assert "mean_1" in assemble(r.build()).graph


def test_a_reshape_forgets_where_channels_were() -> None:
    r = RecordingBuilder()
    y = r.op("conv", r.input("x", (2, 4, 6, 6)), r.parameter("w", (4, 4, 1, 1)), shape=(2, 4, 6, 6))
    turned: Ref = r.reshape(y, (2, 6, 4, 6))
    r.output(r.op("mean", turned, axes=(2, 3), keep_dims=False))
    assert "mean_1" in assemble(r.build()).graph


def test_a_norm_folds_along_the_channels_of_its_convolution_and_along_no_other_axis() -> None:
    assert removals(network(True, (1, 2), norm_axis=3)) == {"batch_norm_1": "conv_1"}
    assert removals(network(True, (1, 2), norm_axis=1)) == {}
    assert removals(network(False, (2, 3), norm_axis=1)) == {"batch_norm_1": "conv_1"}
    assert removals(network(False, (2, 3), norm_axis=3)) == {}
