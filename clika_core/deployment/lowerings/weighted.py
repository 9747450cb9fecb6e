"""Convolutions, linear layers, matrix products and look-ups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clika_core.deployment.lowerings.context import LoweringContext


def _window(context: LoweringContext) -> dict[str, Any]:
    """Strides, pads and dilations as ONNX wants them: all paddings before, then all after."""
    padding = context.attribute("padding") or ()
    return {
        "strides": list(context.attribute("strides")),
        "pads": [before for before, _ in padding] + [after for _, after in padding],
        "dilations": list(context.attribute("dilations")),
        "group": context.attribute("groups", 1),
    }


def _operands(context: LoweringContext, *roles: str) -> list[str]:
    return [name for role in roles if (name := context.optional(role)) is not None]


def _conv(context: LoweringContext) -> Sequence[str]:
    return context.op("Conv", _operands(context, "input", "weight", "bias"), **_window(context))


def _conv_transpose(context: LoweringContext) -> Sequence[str]:
    output_padding = context.attribute("output_padding")
    return context.op(
        "ConvTranspose",
        _operands(context, "input", "weight", "bias"),
        **_window(context),
        output_padding=list(output_padding) if output_padding else None,
    )


def _linear(context: LoweringContext) -> Sequence[str]:
    """Gemm for matrices; more axes are folded into one around it, so that the runtime has an integer kernel."""
    value = context.input_value()
    operands = _operands(context, "weight", "bias")
    if len(value.shape) == 2:
        return context.op("Gemm", [context.operand("input"), *operands], transB=1)
    features = value.example_shape[-1]
    flat = context.one("Reshape", context.operand("input"), context.constant([-1, features], "flat_shape"))
    product = context.one("Gemm", context.requantized(flat, "input"), *operands, transB=1)
    wanted = context.value().shape
    shape = wanted if "input" in context.inputs else (*value.shape[:-1], wanted[-1])
    return [context.one("Reshape", context.requantized(product, "output"), context.shape(shape))]


def _matmul(context: LoweringContext) -> Sequence[str]:
    return context.op("MatMul", [context.operand("input"), context.operand("other")])


def _embedding(context: LoweringContext) -> Sequence[str]:
    return context.op("Gather", [context.operand("weight"), context.operand("indices")], axis=0)


LOWERINGS = {
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "linear": _linear,
    "matmul": _matmul,
    "embedding": _embedding,
}
