"""Norm layers."""

from __future__ import annotations

from collections.abc import Sequence

from clika_core.deployment.lowerings.context import LoweringContext


def _batch_norm(context: LoweringContext) -> Sequence[str]:
    roles = ("input", "weight", "bias", "running_mean", "running_var")
    return context.op(
        "BatchNormalization",
        [context.operand(role) for role in roles],
        epsilon=context.attribute("epsilon", 1e-5),
    )


def _layer_norm(context: LoweringContext) -> Sequence[str]:
    names = [context.operand("input"), context.operand("weight")]
    bias = context.optional("bias")
    return context.op(
        "LayerNormalization",
        [*names, bias] if bias else names,
        axis=min(context.attribute("axes", (-1,))),
        epsilon=context.attribute("epsilon", 1e-5),
    )


def _group_norm(context: LoweringContext) -> Sequence[str]:
    return context.op(
        "GroupNormalization",
        [context.operand("input"), context.operand("weight"), context.operand("bias")],
        num_groups=context.attribute("num_groups"),
        epsilon=context.attribute("epsilon", 1e-5),
    )


LOWERINGS = {"batch_norm": _batch_norm, "layer_norm": _layer_norm, "group_norm": _group_norm}
