"""Operators that move or select values."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from clika_core.deployment.lowerings.context import LoweringContext
from clika_core.deployment.lowerings.pooling import window_attributes
from clika_core.deployment.lowerings.resizing import refuse_free_sizes, target_size
from clika_core.ir.graph import Shape

_LAST, _FIRST = np.iinfo(np.int64).max, np.iinfo(np.int64).min


def _identity(context: LoweringContext) -> Sequence[str]:
    return context.op("Identity", [context.operand("input")])


def _reshape(context: LoweringContext) -> Sequence[str]:
    """To the symbolic shape of the result: flatten, squeeze and unsqueeze are reshapes to the runtime."""
    return context.op("Reshape", [context.operand("input"), context.shape(context.value().shape)])


def _permute(context: LoweringContext) -> Sequence[str]:
    return context.op("Transpose", [context.operand("input")], perm=list(context.attribute("axes")))


def _expand(context: LoweringContext) -> Sequence[str]:
    """Sizes that stay are 1 in the target shape, which broadcasts both ways."""
    wanted = context.value().shape
    given = (1,) * len(wanted) if "input" not in context.inputs else context.input_value().shape
    kept = given[max(len(given) - len(wanted), 0) :]
    ahead = wanted[: len(wanted) - len(kept)]
    sizes = [1 if have == want else want for have, want in zip(kept, wanted[len(ahead) :], strict=True)]
    return context.op("Expand", [context.operand("input"), context.sizes((*ahead, *sizes))])


def _repeat(context: LoweringContext) -> Sequence[str]:
    """More repeats than axes put axes in front; a repeat may be a size that is free to change."""
    repeats, weight = context.attribute("repeats"), context.node.weight("input")
    rank = len(weight.shape if weight is not None else context.input_value().shape)
    x = context.operand("input")
    if len(repeats) > rank:
        x = context.one("Unsqueeze", x, context.constant(list(range(len(repeats) - rank)), "axes"))
    return context.op("Tile", [x, context.sizes(repeats)])


def _concat(context: LoweringContext) -> Sequence[str]:
    roles = [f"inputs.{i}" for i in range(len(context.inputs) + len(context.weights))]
    return context.op("Concat", [context.alike(role) for role in roles], axis=context.attribute("axis", 0))


def _slice(context: LoweringContext) -> Sequence[str]:
    start, end, step = (
        context.attribute(name, default) for name, default in (("start", 0), ("end", None), ("step", 1))
    )
    bounds = [
        context.bound(value, name)
        for name, value in (
            ("starts", start or 0),
            ("ends", _LAST if end is None else end if isinstance(end, str) else min(end, _LAST)),
            ("axes", context.attribute("axis", 0)),
            ("steps", step or 1),
        )
    ]
    return context.op("Slice", [context.operand("input"), *bounds])


def _select(context: LoweringContext) -> Sequence[str]:
    index = context.attribute("index")
    place = context.scalar(index) if isinstance(index, str) else context.constant(np.int64(index), "index")
    return context.op("Gather", [context.operand("input"), place], axis=context.attribute("axis", 0))


def _flip(context: LoweringContext) -> Sequence[str]:
    axes = list(context.attribute("axes"))
    bounds = {"starts": -1, "ends": _FIRST, "axes": None, "steps": -1}
    names = [
        context.constant(axes if value is None else [value] * len(axes), name)
        for name, value in bounds.items()
    ]
    return context.op("Slice", [context.operand("input"), *names])


def _unbind(context: LoweringContext) -> Sequence[str]:
    axis, x = context.attribute("axis", 0), context.operand("input")
    indices = [context.constant(np.int64(index), "index") for index in range(len(context.node.outputs))]
    return [context.op("Gather", [x, index], axis=axis)[0] for index in indices]


def _split(context: LoweringContext) -> Sequence[str]:
    axis = context.attribute("axis", 0)
    sizes = tuple(value.shape[axis] for value in context.node.outputs)
    operands = [context.operand("input"), context.sizes(sizes)]
    return context.op("Split", operands, outputs=len(sizes), axis=axis)


def _gather(context: LoweringContext) -> Sequence[str]:
    return context.op(
        "Gather", [context.operand("input"), context.operand("indices")], axis=context.attribute("axis", 0)
    )


def _max_pool(context: LoweringContext) -> Sequence[str]:
    dilations = context.attribute("dilations")
    return context.op(
        "MaxPool",
        [context.operand("input")],
        **window_attributes(context),
        dilations=list(dilations) if dilations else None,
    )


def _pad(context: LoweringContext) -> Sequence[str]:
    pads = context.attribute("pads")
    flat = [before for before, _ in pads] + [after for _, after in pads]
    mode = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}[
        context.attribute("mode", "constant")
    ]
    is_free = any(isinstance(size, str) for size in flat)
    operands = [
        context.operand("input"),
        context.sizes(tuple(flat)) if is_free else context.constant(flat, "pads"),
    ]
    if mode == "constant":
        operands.append(
            context.constant(np.asarray(context.attribute("value", 0), context.value().dtype), "value")
        )
    return context.op("Pad", operands, mode=mode)


def _pixel_shuffle(context: LoweringContext) -> Sequence[str]:
    return context.op(
        "DepthToSpace", [context.operand("input")], blocksize=context.attribute("factor"), mode="CRD"
    )


def _regrouped(context: LoweringContext, split: Shape, order: Sequence[int], joined: Shape) -> Sequence[str]:
    """Reshape, permute, reshape: in an integer layer with a pair after each step, to be fused one by one."""
    parts = context.one("Reshape", context.operand("input"), context.shape(split))
    moved = context.one("Transpose", context.requantized(parts, "input"), perm=list(order))
    return context.op("Reshape", [context.requantized(moved, "input"), context.shape(joined)])


def _pixel_unshuffle(context: LoweringContext) -> Sequence[str]:
    """[N, C, H·r, W·r] to [N, C·r², H, W]; SpaceToDepth orders the channels otherwise."""
    n, channels, height, width = context.value().shape
    r = context.attribute("factor")
    before = context.input_value().shape[1]
    return _regrouped(
        context, (n, before, height, r, width, r), (0, 1, 3, 5, 2, 4), (n, channels, height, width)
    )


def _channel_shuffle(context: LoweringContext) -> Sequence[str]:
    n, channels, *rest = context.value().shape
    groups = context.attribute("groups")
    assert isinstance(channels, int)
    order = (0, 2, 1, *range(3, 3 + len(rest)))
    return _regrouped(context, (n, groups, channels // groups, *rest), order, context.value().shape)


def _resize_nearest(context: LoweringContext) -> Sequence[str]:
    """Output position i takes input position floor(i · have / want)."""
    target = target_size(context)
    return context.op(
        "Resize",
        [
            context.operand("input"),
            "",
            target.get("scales", ""),
            *([target["sizes"]] if "sizes" in target else []),
        ],
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )


def _adaptive_max_pool(context: LoweringContext) -> Sequence[str]:
    wanted = context.attribute("output_size")
    given = context.input_value().example_shape[-len(wanted) :]
    refuse_free_sizes(context, len(wanted))
    if len(context.node.outputs) > 1:
        raise context.refusal("an adaptive max pool whose indices are read", "its values alone")
    if any(have % want for have, want in zip(given, wanted, strict=True)):
        raise context.refusal(
            f"adaptive pooling from {given} to {wanted}", "an output size that divides the input size"
        )
    steps = [have // want for have, want in zip(given, wanted, strict=True)]
    return context.op("MaxPool", [context.operand("input")], kernel_shape=steps, strides=steps)


def _unfold(context: LoweringContext) -> Sequence[str]:
    """Windows as columns: a convolution in groups whose kernels are the unit vectors."""
    channels = context.input_value().example_shape[1]
    kernel = context.attribute("kernel_size")
    count = prod(kernel)
    units = np.tile(np.eye(count, dtype=np.float32).reshape(count, 1, *kernel), (channels, 1, 1, 1))
    padding = context.attribute("padding")
    columns = context.one(
        "Conv",
        context.operand("input"),
        context.constant(units, "units"),
        group=channels,
        strides=list(context.attribute("strides")),
        pads=[before for before, _ in padding] + [after for _, after in padding],
        dilations=list(context.attribute("dilations")),
    )
    return context.op("Reshape", [columns, context.constant([0, channels * count, -1], "shape")])


LOWERINGS = {
    "adaptive_max_pool": _adaptive_max_pool,
    "unfold": _unfold,
    "identity": _identity,
    "reshape": _reshape,
    "flatten": _reshape,
    "squeeze": _reshape,
    "unsqueeze": _reshape,
    "permute": _permute,
    "expand": _expand,
    "concat": _concat,
    "slice": _slice,
    "select": _select,
    "flip": _flip,
    "unbind": _unbind,
    "repeat": _repeat,
    "split": _split,
    "gather": _gather,
    "max_pool": _max_pool,
    "pad": _pad,
    "pixel_shuffle": _pixel_shuffle,
    "pixel_unshuffle": _pixel_unshuffle,
    "channel_shuffle": _channel_shuffle,
    "resize_nearest": _resize_nearest,
}
