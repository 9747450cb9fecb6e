"""A bias that is added behind a reshape of what a layer gives, added in front of it: there it belongs to the layer.

reshape(x · w, [.., h, d]) + b[h, d]   ->   reshape(x · w + b[h·d])     heads of attention
squeeze(x * w) + b[c]                  ->   squeeze(x * w + b[c])       convolutions of one axis over images
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from clika_core.ir.recording import Ref
from clika_tensorflow.flattening import FlatCall, FlatGraph
from clika_tensorflow.rewrites.editing import Editing, input_shape

_SUMS = frozenset({"Add", "AddV2", "BiasAdd"})
_LAYERS = frozenset({"MatMul", "BatchMatMulV2", "Conv2D", "DepthwiseConv2dNative", "Conv2DBackpropInput"})


def rewrite(graph: FlatGraph) -> FlatGraph:
    """Every such bias, in front."""
    editing = Editing(graph)
    replaced: dict[str, list[FlatCall]] = {}
    for call in graph.calls:
        found = _swapped(editing, call) if call.type in ("Reshape", "Squeeze") else None
        if found is not None:
            total, calls = found
            replaced[call.id], replaced[total.id] = [], calls
    return editing.finish(new for call in graph.calls for new in replaced.get(call.id, [call]))


def _swapped(editing: Editing, move: FlatCall) -> tuple[FlatCall, list[FlatCall]] | None:
    """The sum behind `move`, and the calls that take its place; None where the order has to stay."""
    source, *_ = move.reads
    layer, total = editing.by_id.get(source.record), editing.only_reader(move)
    if layer is None or layer.type not in _LAYERS or editing.only_reader(layer) is not move:
        return None
    if total is None or total.type not in _SUMS:
        return None
    first, bias = total.reads
    if first.record != move.id or not editing.is_parametric(bias):
        return None
    features, own, after = layer.static_shape, input_shape(total, 1), move.static_shape
    if features is None or own is None or after is None or not _covers(features[-1], own, after):
        return None
    if move.type == "Reshape" and features[-1] == after[-1]:
        return None  # a dense layer over several axes: the core knows it with its bias behind
    flat = f"{total.id}/bias"
    shape = editing.constant(f"{flat}/shape", [-1])
    ahead = editing.call(total, flat, "Reshape", {"tensor": bias, "shape": shape}, [-1])
    summed = f"{move.id}/sum"
    names = list(total.arguments)
    arguments: dict[str, Ref | list[Ref]] = {names[0]: source, names[1]: Ref(flat)}
    inner = FlatCall(summed, total.native, total.function, arguments, 1, features)
    data = next(iter(move.arguments))
    given: dict[str, Ref | list[Ref]] = {**move.arguments, data: Ref(summed)}
    outer = FlatCall(total.id, move.native, move.function, given, 1, after)
    return total, [ahead, inner, outer]


def _covers(features: int | None, bias: Sequence[int | None], after: Sequence[int | None]) -> bool:
    """Whether the bias has one value for each feature, and the last axes of the result are what they become."""
    sizes = [size for size in bias if size != 1] or [1]
    known = [size for size in sizes if size is not None]
    is_whole = len(known) == len(sizes) and features == prod(known)
    own = bias[next((i for i, size in enumerate(bias) if size != 1), len(bias)) :]
    return is_whole and list(own) == list(after[len(after) - len(own) :])
