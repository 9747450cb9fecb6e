"""Operators that move or select values, join them, pool and resize them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from clika_tensorflow.operators.mapping import Attributes, Call, Move, Rule, Wording, plain
from clika_tensorflow.operators.weighted import channel_axis, paddings, spatial, with_channels


def _result_shape(call: Call) -> Attributes:
    return {"shape": call.result().shape}


def _axes(call: Call) -> Attributes:
    return {"axes": call.numbers(call.names[1])}


def _squeezed(call: Call) -> Attributes:
    (name,) = call.names
    shape = call.shape(name)
    given = call.attribute("squeeze_dims") or [axis for axis, size in enumerate(shape) if size == 1]
    return {"axes": tuple(sorted(int(axis) % len(shape) for axis in given))}


def _unsqueezed(call: Call) -> Attributes:
    data, axis = call.names
    return {"axes": (call.axis(axis, data, extra=1),)}


def _pads(mode: str | None) -> Callable[[Call], Attributes]:
    def attributes(call: Call) -> Attributes:
        found: Attributes = {"pads": call.numbers("paddings"), "mode": mode or "constant"}
        if mode is None:
            found["mode"] = "reflect" if call.attribute("mode") == "REFLECT" else "symmetric"
        return found

    return attributes


def _pad_with(call: Call) -> Wording | None:
    value = call.flat.arguments["constant_values"]
    seen = call.observed.first[value]
    if seen.shape:
        return None
    return Wording("pad", [("input", "input"), ("value", "constant_values")], _pads("constant")(call))


def _concat(call: Call) -> Wording:
    values, axis = call.names
    first = call.flat.arguments[values][0]
    rank = len(call.observed.value(first).shape)
    return Wording("concat", [("inputs*", values)], {"axis": int(call.numbers(axis)) % rank})


def _pack(call: Call) -> Wording:
    (values,) = call.names
    return Wording(
        "stack", [("inputs*", values)], {"axis": call.attribute("axis") % len(call.result().shape)}
    )


def _unpack(call: Call) -> Attributes:
    return {"axis": call.attribute("axis") % call.rank(call.names[0])}


def _split(call: Call) -> Wording:
    data, axis = ("value", "split_dim") if "split_dim" in call.names else ("value", "axis")
    place = call.axis(axis, data)
    sizes = tuple(call.result(port).shape[place] for port in range(call.flat.count))
    return Wording("split", [("input", data)], {"axis": place, "sizes": sizes})


def _window(call: Call) -> Attributes | None:
    name = call.names[0]
    axis = channel_axis(call, call.rank(name))
    kernel, strides = spatial(call.attribute("ksize"), axis), spatial(call.attribute("strides"), axis)
    sizes = [size for position, size in enumerate(call.shape(name)) if position not in (0, axis)]
    padding = paddings(call, sizes, kernel, strides, (1,) * len(kernel), axis)
    if padding is None:
        return None
    found: Attributes = {"kernel_size": kernel, "strides": strides, "padding": padding, "ceil_mode": False}
    return with_channels(found, axis)


def _max_pool(call: Call) -> Wording | None:
    window = _window(call)
    return None if window is None else Wording("max_pool", [("input", call.names[0])], window)


def _avg_pool(call: Call) -> Wording | None:
    """TensorFlow divides by what of the window lies inside the input."""
    window = _window(call)
    if window is None:
        return None
    return Wording("avg_pool", [("input", call.names[0])], {**window, "count_include_pad": False})


def _nearest(call: Call) -> Wording | None:
    """Where every input pixel is repeated equally often, all conventions agree."""
    data = call.names[0]
    _, height, width, _ = call.value(data).example_shape
    _, tall, wide, _ = call.result().example_shape
    if tall % height or wide % width or call.attribute("align_corners"):
        return None
    attributes: Attributes = {
        "size": (tall, wide),
        "scales": (tall / height, wide / width),
        "channel_axis": 3,
    }
    return Wording("resize_nearest", [("input", data)], attributes)


def _bilinear(call: Call) -> Wording | None:
    data = call.names[0]
    if not call.attribute("half_pixel_centers"):
        return None
    size = call.result().example_shape[1:3]
    attributes: Attributes = {"size": size, "mode": "bilinear", "align_corners": False, "channel_axis": 3}
    return Wording("resize", [("input", data)], attributes)


def _blocks(type_name: str) -> Rule:
    """Channels into space, or space into channels: TensorFlow has the block's place as the slowest axis."""

    def rule(call: Call) -> Wording | None:
        if call.attribute("data_format") != "NHWC":
            return None
        attributes: Attributes = {"factor": call.attribute("block_size"), "order": "DCR", "channel_axis": 3}
        return Wording(type_name, [("input", call.names[0])], attributes)

    return rule


def _strided_slice(call: Call) -> Wording | None:
    """`x[...]` as one movement for each axis it speaks of, the last one in the operation's own place."""
    starts, ends, steps = (call.numbers(name) for name in ("begin", "end", "strides"))
    if None in (starts, ends, steps):
        return None
    ellipsis, every = call.attribute("ellipsis_mask"), len(starts)
    masks = {name: call.attribute(f"{name}_mask") for name in ("begin", "end", "new_axis", "shrink_axis")}
    moves: list[Move] = []
    axis, position = 0, 0  # in the input; in what has been made of it so far
    shape = call.shape("input")
    passed_over = len(shape) - every + bool(ellipsis) + (masks["new_axis"] & ((1 << every) - 1)).bit_count()
    for entry, (start, end, step) in enumerate(zip(starts, ends, steps, strict=True)):
        bit = 1 << entry
        if ellipsis & bit:
            axis, position = axis + passed_over, position + passed_over
            continue
        if masks["new_axis"] & bit:
            moves.append(_unsqueeze_at(position))
            position += 1
            continue
        size = shape[axis]
        axis += 1
        if masks["shrink_axis"] & bit:
            moves.append(_select_at(position, start % size if isinstance(size, int) else start))
            continue
        found = _bounds(
            None if masks["begin"] & bit else start, None if masks["end"] & bit else end, step, size
        )
        if found is None:
            return None
        if found != (0, size, 1):
            moves.append(_slice_at(position, *found))
        position += 1
    return _chained(moves)


def _bounds(start: Any, end: Any, step: Any, size: Any) -> tuple[Any, Any, int] | None:
    """Start, end and step counted from the front; None for steps backwards and for sizes that are not known."""
    if not isinstance(step, int) or step < 1:
        return None
    if start is None and end is None and step == 1:
        return 0, size, 1
    if not isinstance(size, int) or isinstance(start, str) or isinstance(end, str):
        return None
    first, last, _ = slice(start, end, step).indices(size)
    return first, last, step


def _slice(call: Call) -> Wording | None:
    starts, sizes = call.numbers("begin"), call.numbers("size")
    if starts is None or sizes is None:
        return None
    moves = []
    for axis, (start, length, size) in enumerate(zip(starts, sizes, call.shape("input"), strict=True)):
        if start == 0 and length in (-1, size):
            continue
        if not isinstance(start, int) or not isinstance(length, int) or not isinstance(size, int):
            return None
        moves.append(_slice_at(axis, start, size if length == -1 else start + length, 1))
    return _chained(moves)


def _chained(moves: list[Move]) -> Wording:
    """Movements one after the other; the last is the operation itself, `identity` where there is none."""
    *ahead, last = moves or [Move("identity", {}, tf.identity)]
    return Wording(
        last.type,
        [("input", "input")],
        last.attributes,
        lambda arguments, _: [last.function(arguments["input"])],
        {"input": ahead} if ahead else {},
        renamed={"input": "input"},
    )


def _slice_at(axis: int, start: int, end: Any, step: int) -> Move:
    index = (slice(None),) * axis + (slice(start, end, step),)
    return Move("slice", {"axis": axis, "start": start, "end": end, "step": step}, lambda x: x[index])


def _select_at(axis: int, position: Any) -> Move:
    return Move("select", {"axis": axis, "index": position}, lambda x: tf.gather(x, position, axis=axis))


def _unsqueeze_at(axis: int) -> Move:
    return Move("unsqueeze", {"axes": (axis,)}, lambda x: tf.expand_dims(x, axis))


def _reversed_axes(call: Call) -> Attributes:
    data, axes = call.names
    return {"axes": tuple(sorted(axis % call.rank(data) for axis in call.numbers(axes)))}


RULES: dict[str, Rule] = {
    "AvgPool": _avg_pool,
    "AvgPool3D": _avg_pool,
    "BroadcastTo": plain("expand", "input", _result_shape),
    "ConcatV2": _concat,
    "DepthToSpace": _blocks("pixel_shuffle"),
    "ExpandDims": plain("unsqueeze", "input", _unsqueezed),
    "MaxPool": _max_pool,
    "MaxPool3D": _max_pool,
    "MirrorPad": plain("pad", "input", _pads(None)),
    "Pack": _pack,
    "Pad": plain("pad", "input", _pads("constant")),
    "PadV2": _pad_with,
    "Reshape": plain("reshape", "input", _result_shape),
    "ResizeBilinear": _bilinear,
    "ResizeNearestNeighbor": _nearest,
    "ReverseV2": plain("flip", "input", _reversed_axes),
    "Slice": _slice,
    "SpaceToDepth": _blocks("pixel_unshuffle"),
    "Split": _split,
    "SplitV": _split,
    "Squeeze": plain("squeeze", "input", _squeezed),
    "StridedSlice": _strided_slice,
    "Tile": plain("repeat", "input", lambda call: {"repeats": call.numbers(call.names[1])}),
    "Transpose": plain("permute", "input", _axes),
    "Unpack": plain("unbind", "input", _unpack),
}
