"""Operators that choose values by masks and indices."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from clika_core.deployment.lowerings.context import LoweringContext


def _where(context: LoweringContext) -> Sequence[str]:
    return context.op("Where", [context.operand("condition"), context.alike("input"), context.alike("other")])


def _masked_fill(context: LoweringContext) -> Sequence[str]:
    return context.op("Where", [context.operand("mask"), context.alike("value"), context.operand("input")])


def _scatter(context: LoweringContext) -> Sequence[str]:
    operands = [context.operand("input"), context.operand("indices"), context.alike("source")]
    return context.op("ScatterElements", operands, axis=context.attribute("axis", 0))


def _index(context: LoweringContext) -> Sequence[str]:
    """Indices along one axis, or along several neighbouring axes, which then broadcast with each other."""
    roles = [f"indices.{i}" for i in range(16)]
    axes = [i for i, role in enumerate(roles) if context.has(role) or role in context.ranges]
    if any(context.dtype_of(roles[axis]) == "bool" for axis in axes):
        raise context.refusal("indexing by a mask", "indices, or torch.where")
    x = context.operand("input")
    names = [_counted(context, x, axis) or context.operand(roles[axis]) for axis in axes]
    if axes != list(range(axes[0], axes[0] + len(axes))):
        raise context.refusal(f"indices along axes {axes}", "one axis, or neighbouring ones")
    if len(axes) == 1:
        return context.op("Gather", [x, names[0]], axis=axes[0])
    return _along_several(context, x, names, axes)


def _counted(context: LoweringContext, x: str, axis: int) -> str | None:
    """Indices that count along the whole of an axis whose size is free, if that is what this operand is."""
    shape = context.ranges.get(f"indices.{axis}")
    if shape is None:
        return None
    return _range(context, context.one("Shape", x, start=axis, end=axis + 1), shape)


def _range(context: LoweringContext, size: str, shape: Sequence[int]) -> str:
    """0, 1, 2, ... up to a size that is free, in `shape`."""
    counted = context.counted(context.one("Squeeze", size))
    return context.one("Reshape", counted, context.constant(list(shape), "counted_shape"))


def _along_several(
    context: LoweringContext, x: str, names: Sequence[str], axes: Sequence[int]
) -> Sequence[str]:
    """The indexed axes go to the front, their indices into one last axis, the result's axes back to their place."""
    rank = len(context.input_value().shape)
    others = [axis for axis in range(rank) if axis not in axes]
    front = context.one("Transpose", x, perm=[*axes, *others]) if axes[0] else x
    summed, zero = names[0], context.constant(0, "zero")
    for name in names[1:]:
        summed = context.one("Add", summed, context.one("Mul", name, zero))
    shape, last = context.one("Shape", summed), context.constant([-1], "last")
    parts = [context.one("Unsqueeze", context.one("Expand", name, shape), last) for name in names]
    found = context.one("GatherND", front, context.one("Concat", *parts, axis=-1))
    before, ranks = axes[0], len(context.value().shape)
    chosen = ranks - len(others)
    if not before:
        return [found]
    order = [*range(chosen, chosen + before), *range(chosen), *range(chosen + before, ranks)]
    return context.op("Transpose", [found], perm=order)


def _stack(context: LoweringContext) -> Sequence[str]:
    axis = context.attribute("axis", 0)
    roles = [f"inputs.{i}" for i in range(len(context.inputs) + len(context.weights))]
    place = context.constant([axis], "axis")
    parts = [context.one("Unsqueeze", context.operand(role), place) for role in roles]
    return context.op("Concat", parts, axis=axis)


def _roll(context: LoweringContext) -> Sequence[str]:
    """Each axis is cut once and put together the other way round."""
    axes, shifts = context.attribute("axes"), context.attribute("shifts")
    if not axes:
        raise context.refusal("a roll over the flattened value", "axes")
    x = context.operand("input")
    for axis, shift in zip(axes, shifts, strict=True):
        place = context.constant([axis], "axis")
        cut, zero, end = (context.constant([n], "cut") for n in (-shift, 0, np.iinfo(np.int64).max))
        if shift:
            x = context.one(
                "Concat",
                context.one("Slice", x, cut, end, place),
                context.one("Slice", x, zero, cut, place),
                axis=axis,
            )
    return [x] if any(shifts) else context.op("Identity", [x])


def _constant(context: LoweringContext) -> Sequence[str]:
    counted = context.ranges.get("value")
    if counted is None:
        return context.op("Identity", [context.operand("value")])
    size = context.value().shape[counted.index(-1)]
    return [context.cast(_range(context, context.sizes((size,)), counted), context.value().dtype)]


def _triangle(upper: int) -> Callable[[LoweringContext], Sequence[str]]:
    def write(context: LoweringContext) -> Sequence[str]:
        diagonal = context.constant(np.int64(context.attribute("diagonal", 0)), "diagonal")
        return context.op("Trilu", [context.operand("input"), diagonal], upper=upper)

    return write


def _one_hot(context: LoweringContext) -> Sequence[str]:
    depth = context.constant([context.attribute("num_classes")], "depth")
    values = context.constant(np.array([0, 1], context.value().dtype), "values")
    return context.op("OneHot", [context.operand("input"), depth, values])


def _gather_elements(context: LoweringContext) -> Sequence[str]:
    """A table that is the same for every sample is spread over the samples of its indices."""
    x, indices, axis = context.operand("input"), context.operand("indices"), context.attribute("axis", 0)
    table = context.node.weight("input")
    if table is not None and all(size == 1 for i, size in enumerate(table.shape) if i != axis):
        before = context.one("Shape", indices, start=0, end=axis)
        after = context.one("Shape", indices, start=axis + 1)
        x = context.one(
            "Expand", x, context.one("Concat", before, context.constant([1], "kept"), after, axis=0)
        )
    return context.op("GatherElements", [x, indices], axis=axis)


LOWERINGS = {
    "gather_elements": _gather_elements,
    "where": _where,
    "masked_fill": _masked_fill,
    "scatter": _scatter,
    "index": _index,
    "stack": _stack,
    "roll": _roll,
    "constant": _constant,
    "tril": _triangle(0),
    "triu": _triangle(1),
    "one_hot": _one_hot,
}
