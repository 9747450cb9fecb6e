"""Convolutions, dense layers, matrix products and look-ups.

Their weights reach them in the vocabulary's layout (`clika_core.ir.channels`): a movement in front of the operation
makes it of TensorFlow's, and the function here turns it back, which a compiler undoes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import tensorflow as tf

from clika_tensorflow.operators.mapping import Attributes, Call, Rule, Wording, permuted, plain, reshaped
from clika_tensorflow.padding import same_padding


def channel_axis(call: Call, rank: int) -> int:
    """The axis that `data_format` puts the channels on."""
    return rank - 1 if call.attribute("data_format").endswith("C") else 1


def with_channels(attributes: Attributes, axis: int) -> Attributes:
    """The attributes, with the axis of the channels where it is not 1."""
    return attributes if axis == 1 else {**attributes, "channel_axis": axis}


def spatial(numbers: Sequence[int], axis: int) -> tuple[int, ...]:
    """Of a number for each axis those of space."""
    return tuple(int(n) for position, n in enumerate(numbers) if position not in (0, axis))


def paddings(
    call: Call,
    sizes: Sequence[Any],
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    axis: int,
) -> tuple[tuple[int, int], ...] | None:
    """(before, after) for each axis of space; `SAME` puts the odd one behind. None where a size is not known."""
    kind = call.attribute("padding")
    if kind == "VALID":
        return ((0, 0),) * len(kernel)
    if kind == "EXPLICIT":
        flat = call.attribute("explicit_paddings")
        pairs = [(int(flat[2 * i]), int(flat[2 * i + 1])) for i in range(len(flat) // 2)]
        return tuple(pair for position, pair in enumerate(pairs) if position not in (0, axis))
    if not all(isinstance(size, int) for size in sizes):
        return None
    return same_padding(sizes, kernel, strides, dilations)


def add_bias(y: Any, bias: Any, axis: int) -> Any:
    """`y` plus a vector along one axis; `y` itself where there is none."""
    if bias is None:
        return y
    shape = [1] * (y.shape.rank - 1)
    return y + tf.reshape(bias, [*shape[:axis], -1, *shape[axis:]])


def _conv(is_depthwise: bool, rank: int) -> Rule:
    def rule(call: Call) -> Wording | None:
        data, weight = call.names
        axis = channel_axis(call, rank)
        sizes = _space(call.shape(data), axis)
        if not all(isinstance(size, int) for size in call.shape(data)[1:]):
            return None
        kernel = tuple(call.value(weight).example_shape[: rank - 2])
        strides, dilations = (spatial(call.attribute(name), axis) for name in ("strides", "dilations"))
        padding = paddings(call, sizes, kernel, strides, dilations, axis)
        return _worded(call, (data, weight), axis, is_depthwise, strides, dilations, padding)

    return rule


def _joined_conv(call: Call) -> Wording | None:
    """A convolution with channels last that a rewriting made one call of."""
    axis = call.rank("input") - 1
    kernel = tuple(call.value("filters").example_shape[: axis - 1])
    strides, dilations = tuple(call.attribute("strides")), tuple(call.attribute("dilations"))
    padding = call.attribute("pads")
    if padding is None:
        padding = paddings(call, call.shape("input")[1:axis], kernel, strides, dilations, axis)
    names, is_depthwise = ("input", "filters"), call.attribute("is_depthwise")
    return _worded(call, names, axis, is_depthwise, strides, dilations, padding)


def _worded(
    call: Call,
    names: tuple[str, str],
    axis: int,
    is_depthwise: bool,
    strides: Sequence[int],
    dilations: Sequence[int],
    padding: Sequence[tuple[int, int]] | None,
) -> Wording | None:
    """The convolution of what the call names so, filters as TensorFlow has them; None where no padding is known."""
    if padding is None:
        return None
    data, weight = names
    shape, channels = call.value(weight).example_shape, call.value(data).example_shape[axis]
    last, kernel, native = len(shape) - 2, tuple(shape[:-2]), call.flat.function

    def run(arguments: Mapping[str, Any], dtype: str | None) -> list[Any]:
        turn = partial(_to_depthwise, channels=channels) if is_depthwise else _to_filters
        (y,) = native({data: arguments["input"], weight: turn(arguments["weight"])}, dtype)
        return [add_bias(y, arguments["bias"], axis)]

    attributes: Attributes = {
        "kernel_size": kernel,
        "strides": tuple(strides),
        "padding": tuple(padding),
        "dilations": tuple(dilations),
        "groups": channels if is_depthwise else channels // shape[-2],
    }
    moves = [permuted(last + 1, last, *range(last))]
    if is_depthwise:
        moves = [permuted(last, last + 1, *range(last)), reshaped(shape[last] * shape[last + 1], 1, *kernel)]
    return Wording(
        "conv",
        [("input", "input"), ("weight", "weight"), ("bias", "bias")],
        with_channels(attributes, axis),
        run,
        {"weight": moves},
        vacant=("bias",),
        renamed={data: "input", weight: "weight"},
    )


def _space(shape: Sequence[Any], axis: int) -> tuple[Any, ...]:
    return tuple(size for position, size in enumerate(shape) if position not in (0, axis))


def _to_filters(weight: Any) -> Any:
    """[out, in, *kernel] to [*kernel, in, out]."""
    rank = weight.shape.rank
    return tf.transpose(weight, [*range(2, rank), 1, 0])


def _to_depthwise(weight: Any, channels: int) -> Any:
    """[channels · times, 1, *kernel] to [*kernel, channels, times]."""
    kernel = weight.shape[2:]
    spread = tf.reshape(weight, [channels, -1, *kernel])
    return tf.transpose(spread, [*range(2, 2 + len(kernel)), 0, 1])


def _conv_transpose(call: Call) -> Wording | None:
    sizes, weight, data = call.names
    rank = call.rank(data)
    axis = channel_axis(call, rank)
    shape = call.value(weight).example_shape
    kernel = tuple(shape[: rank - 2])
    strides, dilations = spatial(call.attribute("strides"), axis), spatial(call.attribute("dilations"), axis)
    given, wanted = (_space(value.example_shape, axis) for value in (call.value(data), call.result()))
    totals = [
        (size - 1) * step + (width - 1) * gap + 1 - out
        for size, out, width, step, gap in zip(given, wanted, kernel, strides, dilations, strict=True)
    ]
    native = call.flat.function

    def run(arguments: Mapping[str, Any], dtype: str | None) -> list[Any]:
        filters = tf.transpose(arguments["weight"], [*range(2, rank), 1, 0])
        (y,) = native({sizes: arguments[sizes], weight: filters, data: arguments["input"]}, dtype)
        return [add_bias(y, arguments["bias"], axis)]

    attributes: Attributes = {
        "kernel_size": kernel,
        "strides": strides,
        "padding": tuple((max(total, 0) // 2, max(total, 0) - max(total, 0) // 2) for total in totals),
        "dilations": dilations,
        "groups": 1,
        "output_padding": tuple(max(-total, 0) for total in totals),
        "weight_output_axis": 1,
    }
    return Wording(
        "conv_transpose",
        [("input", "input"), ("weight", "weight"), ("bias", "bias")],
        with_channels(attributes, axis),
        run,
        {"weight": [permuted(rank - 1, rank - 2, *range(rank - 2))]},
        vacant=("bias",),
        renamed={data: "input", weight: "weight"},
    )


def _matmul(first: str, second: str, is_turned_first: str, is_turned_second: str) -> Rule:
    """A product with a constant matrix on its right is a dense layer; any other is a matrix product."""

    def rule(call: Call) -> Wording | None:
        turns = call.attribute(is_turned_first), call.attribute(is_turned_second)
        is_dense = call.is_parametric(second) and call.rank(second) == 2 and not call.is_parametric(first)
        moves = {}
        if turns[0]:
            moves["input"] = [_swapped(call.rank(first))]
        if is_dense:
            if not turns[1]:
                moves["weight"] = [permuted(1, 0)]
            return Wording(
                "linear",
                [("input", "input"), ("weight", "weight"), ("bias", "bias")],
                {},
                _linear,
                moves,
                vacant=("bias",),
                renamed={first: "input", second: "weight"},
            )
        if turns[1]:
            moves["other"] = [_swapped(call.rank(second))]
        return Wording(
            "matmul",
            [("input", "input"), ("other", "other")],
            {},
            lambda arguments, _: [tf.matmul(arguments["input"], arguments["other"])],
            moves,
            renamed={first: "input", second: "other"},
        )

    return rule


def _swapped(rank: int) -> Any:
    return permuted(*range(rank - 2), rank - 1, rank - 2)


def _linear(arguments: Mapping[str, Any], _: str | None) -> list[Any]:
    y = tf.matmul(arguments["input"], arguments["weight"], transpose_b=True)
    return [y if arguments["bias"] is None else y + arguments["bias"]]


def _gather(call: Call) -> Wording | None:
    """Rows of a constant table are an embedding; entries along an axis of data are gathered."""
    names = call.names
    axis = call.axis("axis", names[0]) if "axis" in names else 0
    if "axis" in names and call.attribute("batch_dims"):
        return None
    if (
        call.is_parametric(names[0])
        and axis == 0
        and call.rank(names[0]) == 2
        and not call.is_parametric(names[1])
    ):
        return Wording("embedding", [("indices", names[1]), ("weight", names[0])], {})
    return Wording("gather", [("input", names[0]), ("indices", names[1])], {"axis": axis})


def _recurrent(type_name: str) -> Rule:
    """A recurrent layer over [N, T, in], whose results are all steps and the last states."""

    def rule(call: Call) -> Wording:
        data, *weights = call.names
        roles = [("input", data), *((f"weights.{i}", name) for i, name in enumerate(weights))]
        return Wording(type_name, roles, {"num_layers": 1, "bidirectional": False, "batch_first": True})

    return rule


RULES: dict[str, Rule] = {
    "Conv2D": _conv(False, 4),
    "Conv3D": _conv(False, 5),
    "DepthwiseConv2dNative": _conv(True, 4),
    "Conv2DBackpropInput": _conv_transpose,
    "Convolution": _joined_conv,
    "ConvolutionTranspose": _conv_transpose,
    "DepthwiseConvolution": _joined_conv,
    "Embedding": plain("embedding", "indices weight"),
    "Gru": _recurrent("gru"),
    "Lstm": _recurrent("lstm"),
    "MatMul": _matmul("a", "b", "transpose_a", "transpose_b"),
    "BatchMatMulV2": _matmul("x", "y", "adj_x", "adj_y"),
    "BatchMatMulV3": _matmul("x", "y", "adj_x", "adj_y"),
    "GatherV2": _gather,
    "ResourceGather": _gather,
}
