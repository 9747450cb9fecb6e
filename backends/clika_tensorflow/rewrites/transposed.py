"""Transposed convolutions over one axis, which TensorFlow computes over pictures with one row, as one call each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import tensorflow as tf

from clika_tensorflow.flattening import FlatCall, FlatGraph
from clika_tensorflow.raw_calls import RawCall
from clika_tensorflow.rewrites.editing import Editing
from clika_tensorflow.rewrites.rows import is_squeezed_row, is_unsqueezed

TRANSPOSED: Final = "ConvolutionTranspose"


def rewrite(graph: FlatGraph) -> FlatGraph:
    """Every such convolution, as one call."""
    editing = Editing(graph)
    replaced: dict[str, list[FlatCall]] = {}
    for call in graph.calls:
        if call.type == "Conv2DBackpropInput" and call.native.get_attr("data_format") == b"NHWC":
            replaced.update(_joined(editing, call))
    return editing.finish(new for call in graph.calls for new in replaced.get(call.id, [call]))


def _joined(editing: Editing, call: FlatCall) -> dict[str, list[FlatCall]]:
    """What takes the places of `call` and of what stands around it; nothing where it is one over pictures."""
    sizes, filters, data = call.reads
    ahead, turned, behind = (
        editing.by_id.get(data.record),
        editing.by_id.get(filters.record),
        editing.only_reader(call),
    )
    if not is_unsqueezed(editing, ahead, 1) or not is_unsqueezed(editing, turned, 0):
        return {}
    if ahead is None or turned is None or behind is None or not is_squeezed_row(behind):
        return {}
    _, _, stride, _ = call.native.get_attr("strides")
    attributes = {
        "strides": (1, stride, 1),
        "padding": call.native.get_attr("padding").decode(),
        "dilations": (1, call.native.get_attr("dilations")[2], 1),
        "data_format": "NHWC",
    }
    arguments = {"input_sizes": sizes, "filters": next(turned.reads), "input": next(ahead.reads)}
    function = RawCall(TRANSPOSED, convolved, attributes)
    gone = [call.id, *([ahead.id] if editing.only_reader(ahead) is call else [])]
    made = FlatCall(behind.id, call.native, function, arguments, 1, behind.static_shape)
    return {**{name: [] for name in gone}, behind.id: [made]}


def convolved(
    input_sizes: Any,
    filters: Any,
    input: Any,
    strides: Sequence[int],
    padding: str,
    dilations: Sequence[int],
    data_format: str,
) -> Any:
    """That of [N, T, in] by [width, out, in]; `input_sizes` are those of its result as a picture with one row."""
    row = tf.raw_ops.Conv2DBackpropInput(
        input_sizes=input_sizes,
        filter=filters[None],
        out_backprop=input[:, None],
        strides=(1, *strides),
        padding=padding,
        dilations=(1, *dilations),
        data_format=data_format,
    )
    return tf.squeeze(row, [1])
