"""Operators that move or select values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clika_core.deployment.lowerings.context import LoweringContext
from clika_core.deployment.lowerings.pooling import window_attributes

_LAST = np.iinfo(np.int64).max


def _identity(context: LoweringContext) -> Sequence[str]:
    return context.op("Identity", [context.operand("input")])


def _reshape(context: LoweringContext) -> Sequence[str]:
    """To the symbolic shape of the result: flatten, squeeze and unsqueeze are reshapes to the runtime."""
    return context.op("Reshape", [context.operand("input"), context.shape(context.value().shape)])


def _permute(context: LoweringContext) -> Sequence[str]:
    return context.op("Transpose", [context.operand("input")], perm=list(context.attribute("axes")))


def _expand(context: LoweringContext) -> Sequence[str]:
    return context.op("Expand", [context.operand("input"), context.shape(context.value().shape)])


def _concat(context: LoweringContext) -> Sequence[str]:
    roles = [f"inputs.{i}" for i in range(len(context.inputs) + len(context.weights))]
    return context.op("Concat", [context.operand(role) for role in roles], axis=context.attribute("axis", 0))


def _slice(context: LoweringContext) -> Sequence[str]:
    start, end, step = (
        context.attribute(name, default) for name, default in (("start", 0), ("end", None), ("step", 1))
    )
    bounds = [
        context.constant([value], name)
        for name, value in (
            ("starts", start or 0),
            ("ends", _LAST if end is None else min(end, _LAST)),
            ("axes", context.attribute("axis", 0)),
            ("steps", step or 1),
        )
    ]
    return context.op("Slice", [context.operand("input"), *bounds])


def _select(context: LoweringContext) -> Sequence[str]:
    index = context.constant(np.int64(context.attribute("index")), "index")
    return context.op("Gather", [context.operand("input"), index], axis=context.attribute("axis", 0))


def _split(context: LoweringContext) -> Sequence[str]:
    axis = context.attribute("axis", 0)
    sizes = [value.example_shape[axis] for value in context.node.outputs]
    operands = [context.operand("input"), context.constant(sizes, "sizes")]
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
    operands = [context.operand("input"), context.constant(flat, "pads")]
    if mode == "constant":
        operands.append(
            context.constant(np.asarray(context.attribute("value", 0), context.value().dtype), "value")
        )
    return context.op("Pad", operands, mode=mode)


def _pixel_shuffle(context: LoweringContext) -> Sequence[str]:
    return context.op(
        "DepthToSpace", [context.operand("input")], blocksize=context.attribute("factor"), mode="CRD"
    )


LOWERINGS = {
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
    "split": _split,
    "gather": _gather,
    "max_pool": _max_pool,
    "pad": _pad,
    "pixel_shuffle": _pixel_shuffle,
}
