"""Convolutions over one axis, and those with dilations, as one call each.

TensorFlow computes the former as convolutions over images with an axis of one, and the latter by cutting the input
into images whose pixels are neighbours, which are put together again afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import tensorflow as tf

from clika_core.ir.recording import Ref
from clika_tensorflow.flattening import FlatCall, FlatGraph
from clika_tensorflow.raw_calls import RawCall
from clika_tensorflow.rewrites.editing import Editing
from clika_tensorflow.rewrites.rows import is_squeezed_row, is_unsqueezed

JOINED, DEPTHWISE = "Convolution", "DepthwiseConvolution"
_KINDS = {"Conv2D": JOINED, "DepthwiseConv2dNative": DEPTHWISE}


def rewrite(graph: FlatGraph) -> FlatGraph:
    """Every such convolution, as one call."""
    editing = Editing(graph)
    replaced: dict[str, list[FlatCall]] = {}
    for call in graph.calls:
        found = _unwrapped(editing, call) if call.type in _KINDS else None
        if found is not None:
            replaced.update((name, []) for name in found.gone)
            replaced[found.last.id] = [found.call()]
    return editing.finish(new for call in graph.calls for new in replaced.get(call.id, [call]))


@dataclass(frozen=True)
class _Unwrapped:
    """A convolution without what stood around it: `data` and `filters` are its operands, `last` its last call."""

    inner: FlatCall
    last: FlatCall
    data: Ref
    filters: Ref
    strides: tuple[int, ...]
    gone: tuple[str, ...] = ()
    pads: tuple[tuple[int, int], ...] | None = None
    dilations: tuple[int, ...] | None = None

    def call(self) -> FlatCall:
        """The one call, under the name of the last one that it stands for."""
        padding = "VALID" if self.pads else self.inner.native.get_attr("padding").decode()
        attributes = {
            "strides": self.strides,
            "padding": padding,
            "pads": self.pads,
            "dilations": self.dilations or (1,) * len(self.strides),
            "is_depthwise": self.inner.type == "DepthwiseConv2dNative",
        }
        function = RawCall(_KINDS[self.inner.type], convolved, attributes)
        return FlatCall(
            self.last.id, self.inner.native, function, {"input": self.data, "filters": self.filters}, 1
        )


def convolved(
    input: Any,
    filters: Any,
    strides: Sequence[int],
    padding: str,
    pads: Sequence[tuple[int, int]] | None,
    dilations: Sequence[int],
    is_depthwise: bool,
) -> Any:
    """A convolution with channels last, padded with zeros by `pads` first where they are given."""
    x = input if pads is None else tf.pad(input, [(0, 0), *pads, (0, 0)])
    if is_depthwise and len(strides) == 1:
        row = convolved(x[:, None], filters[None], (*strides, *strides), padding, None, (1, *dilations), True)
        return tf.squeeze(row, [1])
    if is_depthwise:
        steps = (1, *strides, 1)
        return tf.nn.depthwise_conv2d(x, filters, steps, padding, dilations=tuple(dilations))
    return tf.nn.convolution(x, filters, tuple(strides), padding, dilations=tuple(dilations))


def _unwrapped(editing: Editing, call: FlatCall) -> _Unwrapped | None:
    if call.native.get_attr("data_format").decode() != "NHWC":
        return None
    data, filters = call.reads
    found = _Unwrapped(call, call, data, filters, tuple(call.native.get_attr("strides")[1:3]))
    flat = _without_unit_axis(editing, found)
    spread = _without_blocks(editing, flat or found)
    if spread is not None and flat is None:
        return _without_unit_axis(editing, spread) or spread
    return spread or flat


def _without_unit_axis(editing: Editing, found: _Unwrapped) -> _Unwrapped | None:
    """Both operands had an axis of one put in, and the result loses it again: a convolution over one axis."""
    ahead, filters = (editing.by_id.get(ref.record) for ref in (found.data, found.filters))
    behind = editing.only_reader(found.last)
    if not is_unsqueezed(editing, ahead, 1) or not is_unsqueezed(editing, filters, 0):
        return None
    if ahead is None or filters is None or behind is None or not is_squeezed_row(behind):
        return None
    alone = (ahead.id,) if editing.only_reader(ahead) is not None else ()
    data, weight = next(ahead.reads), next(filters.reads)
    return replace(
        found,
        last=behind,
        data=data,
        filters=weight,
        strides=found.strides[1:],
        gone=(*found.gone, *alone, found.last.id),
        pads=found.pads and found.pads[1:],
        dilations=found.dilations and found.dilations[1:],
    )


def _without_blocks(editing: Editing, found: _Unwrapped) -> _Unwrapped | None:
    """The input was cut into blocks, and the result is put together of them: a convolution with dilations."""
    ahead, behind = editing.by_id.get(found.data.record), editing.only_reader(found.last)
    if ahead is None or behind is None or (ahead.type, behind.type) != ("SpaceToBatchND", "BatchToSpaceND"):
        return None
    if editing.only_reader(ahead) is None:
        return None
    data, *cut = ahead.reads
    _, *joined = behind.reads
    numbers = [editing.numbers(ref) for ref in (*cut, *joined)]
    if any(number is None for number in numbers):
        return None
    block, pads, same_block, crops = (number.tolist() for number in numbers)
    is_plain = found.inner.native.get_attr("padding") == b"VALID" and set(found.strides) == {1}
    if block != same_block or not is_plain or len(block) != len(found.strides):
        return None
    if any(before for before, _ in crops):
        return None
    kept = tuple((before, after - crop) for (before, after), (_, crop) in zip(pads, crops, strict=True))
    gone = (*found.gone, ahead.id, found.last.id)
    return replace(found, last=behind, data=data, pads=kept, dilations=tuple(block), gone=gone)
