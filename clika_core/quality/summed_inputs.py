"""What the outputs of a convolution or dense layer sum over: the layer's inputs as rows, whatever the framework.

A convolution is asked for the places that its kernel meets: run on the numbers of its input's places instead of
values, with a weight of ones and zeros, so that each output channel passes on what one element of the kernel meets.
It answers with its own strides, padding, dilation and order of axes, which are so known in one place alone. Channels
of a kernel meet the same places, wherefore one run tells as many elements as there are output channels.
"""

from __future__ import annotations

from math import ceil, prod
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Array, ArrayOps, LayerCall
from clika_core.ir.channels import channel_axis
from clika_core.quality.samples import chosen_rows

MIN_ROWS: Final = 512
ROWS_FOR_EACH: Final = 2  # of the elements that an output sums over
SPREAD: Final = 8  # times as many places as rows are looked at, so that rows come from several samples
MAX_ELEMENTS: Final = 2**26  # of the rows
_BASE: Final = 128  # of the digits of a place's number, which any floating-point format holds


def num_groups(call: LayerCall) -> int:
    """Into how many groups the layer's channels are divided."""
    groups = call.node.attributes.get("groups", 1) if call.node.type == "conv" else 1
    assert isinstance(groups, int)
    return groups


def num_rows(size: int) -> int:
    """How many rows are taken where an output sums over `size` elements."""
    return max(MIN_ROWS, ROWS_FOR_EACH * size)


def summed_inputs(
    call: LayerCall, value: Array, shape: tuple[int, ...], arrays: ArrayOps
) -> NDArray[np.float32] | None:
    """Rows of the input `value`, [groups, at most `num_rows(D)`, D], D beside the elements of weight[o] flattened.

    `shape` is the weight's, [outputs, inputs / groups, ...]. None where they would be too many elements.
    """
    groups, size = num_groups(call), prod(shape[1:])
    limit = num_rows(size)
    if groups * limit * size > MAX_ELEMENTS:
        return None
    if call.node.type == "linear":
        features = np.asarray(arrays.to_numpy(value), np.float32)
        rows = features.reshape(-1, features.shape[-1])
        return rows[None, chosen_rows(len(rows), limit)]
    met = _met_places(call, value, shape, arrays)
    num_samples = min(int(value.shape[0]), ceil(SPREAD * limit / len(met)))
    some = np.asarray(arrays.to_numpy(value[:num_samples]), np.float32)
    by_place = _channels_last(some, call)
    samples, places = np.divmod(chosen_rows(num_samples * len(met), limit), len(met))
    rows = _gathered(by_place, samples, met[places])
    return np.ascontiguousarray(rows.reshape(len(rows), groups, size).transpose(1, 0, 2))


def _gathered(
    values: NDArray[np.float32], samples: NDArray[np.int64], places: NDArray[np.int64]
) -> NDArray[np.float32]:
    """What rows meet, [rows, C, K], of values [N, places, C]: of each sample [rows] at the places [rows, K]."""
    found = values[samples[:, None], np.maximum(places, 0)]
    found[places < 0] = 0
    return found.transpose(0, 2, 1)


def _channels_last(values: NDArray[np.float32], call: LayerCall) -> NDArray[np.float32]:
    """Values of a convolution as [N, places, C]."""
    moved = np.moveaxis(values, channel_axis(call.node) % values.ndim, -1)
    return moved.reshape(len(values), -1, moved.shape[-1])


def _met_places(call: LayerCall, value: Array, shape: tuple[int, ...], arrays: ArrayOps) -> NDArray[np.int64]:
    """The places of the input that each output place's kernel meets, [places, K]; -1 where it meets the padding."""
    axis, size = channel_axis(call.node) % len(value.shape), prod(shape[2:])
    space = [length for at, length in enumerate(value.shape) if at not in (0, axis)]
    numbers = np.arange(1, prod(space) + 1).reshape(1, *space)
    powers = _BASE ** np.arange(ceil(np.log(prod(space) + 1) / np.log(_BASE)))
    digits = numbers // powers.reshape(-1, *[1] * len(space)) % _BASE
    of_channels = np.repeat(np.expand_dims(digits, axis), value.shape[axis], axis)
    given = arrays.from_numpy(of_channels.astype(np.float32), like=value)
    parts = [_passed_on(call, given, shape, start, arrays) for start in range(0, size, shape[0])]
    found = np.concatenate(parts, axis=2)[:, :, :size]
    return np.asarray(np.tensordot(powers, np.rint(found).astype(np.int64), 1) - 1, np.int64)


def _passed_on(
    call: LayerCall, value: Array, shape: tuple[int, ...], start: int, arrays: ArrayOps
) -> NDArray[np.float32]:
    """What the elements `start` and following of the kernel meet, [N, places, outputs]; 0 behind the last."""
    weight = np.zeros((*shape[:2], prod(shape[2:])), np.float32)
    weight[:, 0] = np.eye(shape[0], weight.shape[2], start)
    weights = {"weight": arrays.from_numpy(weight.reshape(shape), like=call.weights["weight"])}
    if "bias" in call.weights:
        none = np.zeros(shape[0], np.float32)
        weights["bias"] = arrays.from_numpy(none, like=call.weights["bias"])
    (found,) = call.run([value], {**call.weights, **weights})
    return _channels_last(np.asarray(arrays.to_numpy(found), np.float32), call)
