"""Norm layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clika_core.deployment.lowerings.context import LoweringContext


def _affine(context: LoweringContext, shape: Sequence[int]) -> list[str]:
    """Weight and bias, ones and zeros where the layer has none."""
    dtype = context.value().dtype
    return [
        context.optional(role) or context.constant(np.full(shape, default, dtype), role)
        for role, default in (("weight", 1), ("bias", 0))
    ]


def _channels(context: LoweringContext) -> list[int]:
    return [context.input_value().example_shape[1]]


def _batch_norm(context: LoweringContext) -> Sequence[str]:
    statistics = [context.operand(role) for role in ("running_mean", "running_var")]
    return context.op(
        "BatchNormalization",
        [context.operand("input"), *_affine(context, _channels(context)), *statistics],
        epsilon=context.attribute("epsilon", 1e-5),
    )


def _layer_norm(context: LoweringContext) -> Sequence[str]:
    first = min(context.attribute("axes", (-1,)))
    return context.op(
        "LayerNormalization",
        [context.operand("input"), *_affine(context, context.input_value().example_shape[first:])],
        axis=first,
        epsilon=context.attribute("epsilon", 1e-5),
    )


def _group_norm(context: LoweringContext) -> Sequence[str]:
    return context.op(
        "GroupNormalization",
        [context.operand("input"), *_affine(context, _channels(context))],
        num_groups=context.attribute("num_groups"),
        epsilon=context.attribute("epsilon", 1e-5),
    )


def _instance_norm(context: LoweringContext) -> Sequence[str]:
    return context.op(
        "InstanceNormalization",
        [context.operand("input"), *_affine(context, _channels(context))],
        epsilon=context.attribute("epsilon", 1e-5),
    )


def _rms_norm(context: LoweringContext) -> Sequence[str]:
    """x / sqrt(mean(x²) + epsilon) · weight."""
    x = context.operand("input")
    axes = context.constant(list(context.attribute("axes", (-1,))), "axes")
    mean = context.one("ReduceMean", context.one("Mul", x, x), axes, keepdims=1)
    raised = context.one("Add", mean, context.number(context.attribute("epsilon", 1e-6), "epsilon"))
    normed = context.one("Div", x, context.one("Sqrt", raised))
    weight = context.optional("weight")
    return [normed] if weight is None else context.op("Mul", [normed, weight])


LOWERINGS = {
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "group_norm": _group_norm,
    "instance_norm": _instance_norm,
    "rms_norm": _rms_norm,
}
