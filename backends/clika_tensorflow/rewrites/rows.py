"""Convolutions over one axis, which TensorFlow computes over pictures with one row: a row for each of them.

unsqueeze -> a -> b -> squeeze   becomes   unsqueeze -> a -> squeeze -> unsqueeze -> b -> squeeze

so that what stands around each of them belongs to it, and is left out with it (`convolutions`, `transposed`).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Final

from clika_core.ir.recording import Ref
from clika_tensorflow.flattening import FlatCall, FlatGraph
from clika_tensorflow.raw_calls import RawCall
from clika_tensorflow.rewrites.editing import Editing

_AHEAD, _BEHIND = "SpaceToBatchND", "BatchToSpaceND"
_DATA: Final = {
    "Conv2D": "input",
    "DepthwiseConv2dNative": "input",
    "Conv2DBackpropInput": "out_backprop",
    _AHEAD: "input",
    _BEHIND: "input",
}
"""What may stand between, and the name of the operand that is the picture."""


def rewrite(graph: FlatGraph) -> FlatGraph:
    """Every such row of several convolutions, as several of one."""
    editing = Editing(graph)
    replaced: dict[str, list[FlatCall]] = {}
    for call in graph.calls:
        if is_squeezed_row(call):
            for previous, following in _seams(_between(editing, call)):
                replaced[following.id] = _apart(editing, previous, following)
    return editing.finish(new for call in graph.calls for new in replaced.get(call.id, [call]))


def is_squeezed_row(call: FlatCall) -> bool:
    """Whether `call` drops the first axis of space of a picture."""
    function = call.function
    is_squeeze = call.type == "Squeeze" and isinstance(function, RawCall)
    return is_squeeze and [int(axis) % 4 for axis in function.attributes["axis"]] == [1]


def is_unsqueezed(editing: Editing, call: FlatCall | None, axis: int) -> bool:
    """Whether `call` puts an axis of one element into a value with three axes."""
    place = (
        editing.numbers(call.arguments["axis"]) if call is not None and call.type == "ExpandDims" else None
    )
    return place is not None and int(place) % 4 == axis


def _between(editing: Editing, end: FlatCall) -> list[FlatCall]:
    """The calls between the axis that is put in and `end`, where it is dropped, in order; none where others read."""
    found: list[FlatCall] = []
    reader, call = end, editing.by_id.get(next(end.reads).record)
    while call is not None and call.type in _DATA and editing.only_reader(call) is reader:
        found.append(call)
        reader, call = call, editing.by_id.get(call.arguments[_DATA[call.type]].record)
    return found[::-1] if is_unsqueezed(editing, call, 1) else []


def _seams(calls: list[FlatCall]) -> list[tuple[FlatCall, FlatCall]]:
    """Where one convolution ends and the next begins, blocks being part of theirs."""
    pairs = pairwise(calls)
    return [pair for pair in pairs if pair[0].type != _AHEAD and pair[1].type != _BEHIND]


def _apart(editing: Editing, previous: FlatCall, following: FlatCall) -> list[FlatCall]:
    name, shape = f"{previous.id}/row", previous.static_shape
    flat = None if shape is None else [shape[0], *shape[2:]]
    axis = editing.constant(f"{name}/axis", 1)
    squeezed = editing.call(
        previous, f"{name}/squeezed", "Squeeze", {"input": Ref(previous.id)}, flat, axis=[1]
    )
    again = {"input": Ref(squeezed.id), "axis": axis}
    unsqueezed = editing.call(previous, f"{name}/unsqueezed", "ExpandDims", again, shape)
    arguments = {**following.arguments, _DATA[following.type]: Ref(unsqueezed.id)}
    return [squeezed, unsqueezed, replace(following, arguments=arguments)]
