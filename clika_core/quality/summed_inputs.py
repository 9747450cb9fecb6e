"""What the outputs of a convolution or dense layer sum over: the layer's inputs as rows, whatever the framework.

A convolution is asked for them itself: run with a weight of ones and zeros, so that an output channel is one of the
elements that it would sum over, it lays out its own patches, with its own strides, padding, groups and order of axes.
As many elements as a group has output channels come at a time, since a layer may be made for its number of channels.
"""

from __future__ import annotations

from math import prod
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Array, ArrayOps, LayerCall
from clika_core.ir.channels import channel_axis

MAX_ROWS: Final = 2048
SPREAD: Final = 4  # times as many rows are laid out as are taken, from several samples
MAX_ELEMENTS: Final = 2**26  # of the rows that are laid out at once


def num_groups(call: LayerCall) -> int:
    """Into how many groups the layer's channels are divided."""
    groups = call.node.attributes.get("groups", 1) if call.node.type == "conv" else 1
    assert isinstance(groups, int)
    return groups


def summed_inputs(
    call: LayerCall, value: Array, shape: tuple[int, ...], arrays: ArrayOps
) -> NDArray[np.float32] | None:
    """Rows of the input `value`, [groups, at most MAX_ROWS, D], D beside the elements of weight[o] flattened.

    `shape` is the weight's, [outputs, inputs / groups, ...]. None where one sample alone has too many to lay out.
    """
    if call.node.type == "linear":
        features = np.asarray(arrays.to_numpy(value), np.float32)
        return _chosen(features.reshape(-1, 1, features.shape[-1]))
    groups, size = num_groups(call), prod(shape[1:])
    places = prod(call.node.outputs[0].example_shape[1:]) // shape[0]
    num_samples = min(int(value.shape[0]), -(-SPREAD * MAX_ROWS // places))
    if num_samples * places * size * groups > MAX_ELEMENTS:
        num_samples = MAX_ELEMENTS // (places * size * groups)
    if not num_samples:
        return None
    some = value[:num_samples]
    parts = [_laid_out(call, some, shape, start, arrays) for start in range(0, size, shape[0] // groups)]
    return _chosen(np.concatenate(parts, axis=2)[:, :, :size])


def _laid_out(
    call: LayerCall, value: Array, shape: tuple[int, ...], start: int, arrays: ArrayOps
) -> NDArray[np.float32]:
    """Elements `start` and following of every patch, [rows, groups, outputs / groups]; zeros behind the last."""
    groups, size = num_groups(call), prod(shape[1:])
    ones = np.eye(shape[0] // groups, size, start, dtype=np.float32)
    weight = np.tile(ones, (groups, 1)).reshape(shape)
    weights = {"weight": arrays.from_numpy(weight, like=call.weights["weight"])}
    if "bias" in call.weights:
        none = np.zeros(shape[0], np.float32)
        weights["bias"] = arrays.from_numpy(none, like=call.weights["bias"])
    (laid_out,) = call.run([value], {**call.weights, **weights})
    found = np.asarray(arrays.to_numpy(laid_out), np.float32)
    by_place = np.moveaxis(found, channel_axis(call.node) % found.ndim, -1)
    return by_place.reshape(-1, groups, shape[0] // groups)


def _chosen(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """At most `MAX_ROWS` of the rows [rows, groups, D], the same whenever there are as many: [groups, rows, D]."""
    chosen = np.random.default_rng(0).permutation(len(rows))[:MAX_ROWS]
    return np.ascontiguousarray(rows[chosen].transpose(1, 0, 2))
