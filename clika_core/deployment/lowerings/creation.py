"""Operators that make values of nothing but sizes: positions, masks, first states."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from clika_core.deployment.lowerings.context import LoweringContext


def _arange(context: LoweringContext) -> Sequence[str]:
    """start, start + step, ... before end; counted in integers where all three are."""
    bounds = [context.attribute(name, default) for name, default in (("start", 0), ("end", 0), ("step", 1))]
    if any(isinstance(bound, float) for bound in bounds):
        names = [_in_floats(context, bound) for bound in bounds]
    else:
        names = [context.scalar(bound) for bound in bounds]
    return [context.cast(context.one("Range", *names), context.value().dtype)]


def _in_floats(context: LoweringContext, bound: float | str) -> str:
    if isinstance(bound, str):
        return context.cast(context.scalar(bound), "float32")
    return context.constant(np.float32(bound), "bound")


def _filled(value: float | None) -> Callable[[LoweringContext], Sequence[str]]:
    """One value, or with None that of the layer, in every place."""

    def write(context: LoweringContext) -> Sequence[str]:
        number = context.attribute("value", 0) if value is None else value
        if isinstance(number, str):
            one = context.cast(context.scalar(number), context.value().dtype)
        else:
            one = context.number(number, "value")
        if not context.value().shape:
            return context.op("Identity", [one])
        return context.op("Expand", [one, context.sizes(context.value().shape)])

    return write


LOWERINGS = {
    "arange": _arange,
    "full": _filled(None),
    "ones": _filled(1),
    "zeros": _filled(0),
}
