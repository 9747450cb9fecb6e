"""Reductions, statistics and orderings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from clika_core.deployment.lowerings.context import LoweringContext


def _axes(context: LoweringContext) -> str:
    return context.constant(list(context.attribute("axes")), "axes")


def _kept(context: LoweringContext) -> int:
    return int(context.attribute("keep_dims", False))


def _reduction(type_: str) -> Callable[[LoweringContext], Sequence[str]]:
    return lambda context: context.op(
        type_, [context.alike("input"), _axes(context)], keepdims=_kept(context)
    )


def _extreme(values: str, indices: str) -> Callable[[LoweringContext], Sequence[str]]:
    """The extreme along one or more axes; where the layer has a second result, also where it stands."""

    def write(context: LoweringContext) -> Sequence[str]:
        found = _reduction(values)(context)
        if len(context.node.outputs) == 1:
            return found
        return [*found, *_place(indices)(context)]

    return write


def _place(type_: str) -> Callable[[LoweringContext], Sequence[str]]:
    """The index of an extreme along one axis; over all axes of the flattened value."""

    def write(context: LoweringContext) -> Sequence[str]:
        axes, x = context.attribute("axes"), context.operand("input")
        if len(axes) == 1:
            return context.op(type_, [x], axis=axes[0], keepdims=_kept(context))
        flat = context.one("Reshape", x, context.constant([-1], "flat_shape"))
        return context.op(type_, [flat], axis=0, keepdims=0)

    return write


def _logical(type_: str) -> Callable[[LoweringContext], Sequence[str]]:
    """`all` and `any`: the smallest and the largest of 0 and 1."""

    def write(context: LoweringContext) -> Sequence[str]:
        numbers = context.cast(context.cast(context.operand("input"), "bool"), "int32")
        reduced = context.one(type_, numbers, _axes(context), keepdims=_kept(context))
        return [context.cast(reduced, "bool")]

    return write


def _variance(context: LoweringContext) -> str:
    """sum((x - mean(x))²) / (count - correction)."""
    x, axes = context.operand("input"), context.attribute("axes")
    sizes = [context.input_value().shape[axis] for axis in axes]
    mean = context.one("ReduceMean", x, _axes(context), keepdims=1)
    difference = context.one("Sub", x, mean)
    total = context.one(
        "ReduceSum", context.one("Mul", difference, difference), _axes(context), keepdims=_kept(context)
    )
    return context.one("Div", total, _count(context, sizes))


def _count(context: LoweringContext, sizes: Sequence[int | str]) -> str:
    """How many values a variance divides by, in the dtype of the result."""
    fixed, correction = (
        prod(size for size in sizes if isinstance(size, int)),
        context.attribute("correction", 1),
    )
    free = [size for size in sizes if isinstance(size, str)]
    if not free:
        return context.number(fixed - correction, "count")
    count = context.number(fixed, "fixed")
    for size in free:
        count = context.one("Mul", count, context.cast(context.scalar(size), context.value().dtype))
    return context.one("Sub", count, context.number(correction, "correction"))


def _norm(context: LoweringContext) -> Sequence[str]:
    order = context.attribute("order", 2)
    if order not in (1, 2):
        raise context.refusal(f"a norm of order {order}", "order 1 or 2")
    return _reduction(f"ReduceL{int(order)}")(context)


def _cumsum(context: LoweringContext) -> Sequence[str]:
    axes = context.attribute("axes")
    return context.op("CumSum", [context.alike("input"), context.constant(np.int64(axes[0]), "axis")])


def _diff(context: LoweringContext) -> Sequence[str]:
    """Each value less the one before it, `order` times; what is put in front and behind comes first."""
    if context.value().dtype == "bool":
        raise context.refusal("differences of booleans", "numbers, or a comparison")
    axis = context.attribute("axis", -1)
    parts = [context.optional(role) for role in ("prepend", "input", "append")]
    given = [part for part in parts if part is not None]
    x = context.one("Concat", *given, axis=axis) if len(given) > 1 else given[0]
    bounds = [context.constant([value], "bound") for value in (0, 1, -1, np.iinfo(np.int64).max)]
    place = context.constant([axis], "axis")
    for _ in range(context.attribute("order", 1)):
        later = context.one("Slice", x, bounds[1], bounds[3], place)
        x = context.one("Sub", later, context.one("Slice", x, bounds[0], bounds[2], place))
    return [x]


def _top_k(context: LoweringContext) -> Sequence[str]:
    count = context.bound(context.attribute("k"), "k")
    return context.op("TopK", [context.operand("input"), count], 2, axis=context.attribute("axis", -1))


def _sort(context: LoweringContext) -> Sequence[str]:
    axis = context.attribute("axis", -1)
    largest = int(context.attribute("descending", False))
    count = context.bound(context.input_value().shape[axis], "k")
    return context.op("TopK", [context.operand("input"), count], 2, axis=axis, largest=largest)


LOWERINGS = {
    "sum": _reduction("ReduceSum"),
    "prod": _reduction("ReduceProd"),
    "log_sum_exp": _reduction("ReduceLogSumExp"),
    "reduce_max": _extreme("ReduceMax", "ArgMax"),
    "reduce_min": _extreme("ReduceMin", "ArgMin"),
    "argmax": _place("ArgMax"),
    "argmin": _place("ArgMin"),
    "all": _logical("ReduceMin"),
    "any": _logical("ReduceMax"),
    "var": lambda context: [_variance(context)],
    "std": lambda context: context.op("Sqrt", [_variance(context)]),
    "norm": _norm,
    "cumsum": _cumsum,
    "diff": _diff,
    "top_k": _top_k,
    "sort": _sort,
}
