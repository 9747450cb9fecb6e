"""Activation functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from clika_core.deployment.lowerings.context import LoweringContext


def _plain(type_: str) -> Callable[[LoweringContext], Sequence[str]]:
    return lambda context: context.op(type_, [context.operand("input")])


def _with(type_: str, **defaults: float) -> Callable[[LoweringContext], Sequence[str]]:
    """An operator whose attributes have our names; `defaults` where the layer gives none."""

    def write(context: LoweringContext) -> Sequence[str]:
        attributes: dict[str, Any] = {
            name: float(context.attribute(name, default)) for name, default in defaults.items()
        }
        return context.op(type_, [context.operand("input")], **attributes)

    return write


def _clip(low: float | None, high: float | None) -> Callable[[LoweringContext], Sequence[str]]:
    def write(context: LoweringContext) -> Sequence[str]:
        least = context.attribute("min") if low is None and high is None else low
        most = context.attribute("max") if low is None and high is None else high
        bounds = [
            "" if bound is None else context.number(bound, name)
            for bound, name in ((least, "min"), (most, "max"))
        ]
        return context.op("Clip", [context.alike("input"), *bounds])

    return write


def _softmax(type_: str) -> Callable[[LoweringContext], Sequence[str]]:
    """Computed in the dtype of the result."""

    def write(context: LoweringContext) -> Sequence[str]:
        x = context.operand("input")
        if context.value().dtype != context.input_value().dtype:
            x = context.one("Cast", x, to=context.element_type)
        return context.op(type_, [x], axis=context.attribute("axis", -1))

    return write


def _elu(context: LoweringContext) -> Sequence[str]:
    scales = [context.attribute(name, 1) for name in ("scale", "input_scale")]
    if scales != [1, 1]:
        raise context.refusal(f"an elu with scale and input_scale {scales}", "both 1")
    return context.op("Elu", [context.operand("input")], alpha=float(context.attribute("alpha", 1)))


def _softplus(context: LoweringContext) -> Sequence[str]:
    """log(1 + exp(beta · x)) / beta."""
    beta, threshold = context.attribute("beta", 1), context.attribute("threshold", 20)
    if threshold < 20:
        raise context.refusal(f"a softplus that is linear above {threshold}", "20 or more")
    if beta == 1:
        return context.op("Softplus", [context.operand("input")])
    factor = context.constant(np.asarray(beta, context.value().dtype), "beta")
    return [
        context.one(
            "Div", context.one("Softplus", context.one("Mul", context.operand("input"), factor)), factor
        )
    ]


def _gelu(context: LoweringContext) -> Sequence[str]:
    return context.op(
        "Gelu", [context.operand("input")], approximate=context.attribute("approximate", "none")
    )


def _silu(context: LoweringContext) -> Sequence[str]:
    x = context.operand("input")
    return [context.one("Mul", x, context.one("Sigmoid", x))]


def _log_sigmoid(context: LoweringContext) -> Sequence[str]:
    """-log(1 + exp(-x))."""
    return context.op("Neg", [context.one("Softplus", context.one("Neg", context.operand("input")))])


def _erfc(context: LoweringContext) -> Sequence[str]:
    return context.op("Sub", [context.number(1, "one"), context.one("Erf", context.operand("input"))])


def _glu(context: LoweringContext) -> Sequence[str]:
    axis = context.attribute("axis", -1)
    value, gate = context.op("Split", [context.operand("input")], 2, axis=axis, num_outputs=2)
    return context.op("Mul", [value, context.one("Sigmoid", gate)])


def _prelu(context: LoweringContext) -> Sequence[str]:
    """max(x, 0) + slope · min(x, 0), as PRelu where it is quantized: onnxruntime's kernel takes four times as long.

    There is one slope, one for each channel, or slopes that broadcast. Halves of `x` are there already where its sums
    were rounded so.
    """
    x, slope, held = context.operand("input"), context.operand("weight"), context.node.weight("weight")
    if held is None or len(held.shape) <= 1:
        rank = len(context.input_value().shape)
        shape = context.constant([-1, *[1] * max(rank - 2, 0)] if rank > 1 else [-1], "slope_shape")
        slope = context.one("Reshape", slope, shape)
    if context.spec is not None:
        return context.op("PRelu", [x, slope])
    if x in context.halves:
        above, below = context.halves[x]
    else:
        above, below = context.one("Relu", x), context.one("Min", x, context.number(0, "zero"))
    return [context.one("Add", above, context.one("Mul", below, slope))]


LOWERINGS = {
    "log_sigmoid": _log_sigmoid,
    "erfc": _erfc,
    "glu": _glu,
    "prelu": _prelu,
    "relu": _plain("Relu"),
    "relu6": _clip(0.0, 6.0),
    "clamp": _clip(None, None),
    "sigmoid": _plain("Sigmoid"),
    "tanh": _plain("Tanh"),
    "erf": _plain("Erf"),
    "softplus": _softplus,
    "softsign": _plain("Softsign"),
    "mish": _plain("Mish"),
    "hard_swish": _plain("HardSwish"),
    "hard_sigmoid": lambda context: context.op(
        "HardSigmoid", [context.operand("input")], alpha=1 / 6, beta=0.5
    ),
    "leaky_relu": lambda context: context.op(
        "LeakyRelu", [context.operand("input")], alpha=float(context.attribute("negative_slope", 0.01))
    ),
    "elu": _elu,
    "celu": _with("Celu", alpha=1.0),
    "selu": _plain("Selu"),
    "softmax": _softmax("Softmax"),
    "log_softmax": _softmax("LogSoftmax"),
    "gelu": _gelu,
    "silu": _silu,
}
