"""Arithmetic, reductions and average pools."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from clika_core.deployment.lowerings.context import LoweringContext
from clika_core.deployment.lowerings.pooling import window_attributes

_BINARY = {
    "mul": "Mul",
    "div": "Div",
    "pow": "Pow",
    "maximum": "Max",
    "minimum": "Min",
    "eq": "Equal",
    "gt": "Greater",
    "ge": "GreaterOrEqual",
    "lt": "Less",
    "le": "LessOrEqual",
    "logical_and": "And",
    "logical_or": "Or",
}
_UNARY = {
    "abs": "Abs",
    "ceil": "Ceil",
    "cos": "Cos",
    "exp": "Exp",
    "floor": "Floor",
    "log": "Log",
    "logical_not": "Not",
    "neg": "Neg",
    "reciprocal": "Reciprocal",
    "round": "Round",
    "sign": "Sign",
    "sin": "Sin",
    "sqrt": "Sqrt",
}
_REDUCTIONS = {"mean": "ReduceMean", "sum": "ReduceSum", "prod": "ReduceProd"}


def _binary(type_: str) -> Callable[[LoweringContext], Sequence[str]]:
    return lambda context: context.op(type_, [context.operand("input"), context.operand("other")])


def _scaled(type_: str) -> Callable[[LoweringContext], Sequence[str]]:
    """A sum or difference whose second operand is multiplied by `alpha` first."""

    def write(context: LoweringContext) -> Sequence[str]:
        other, alpha = context.operand("other"), context.attribute("alpha", 1)
        if alpha != 1:
            factor = context.constant(np.asarray(alpha, context.value().dtype), "alpha")
            other = context.one("Mul", other, factor)
        return context.op(type_, [context.operand("input"), other])

    return write


def _unary(type_: str) -> Callable[[LoweringContext], Sequence[str]]:
    return lambda context: context.op(type_, [context.operand("input")])


def _reduction(type_: str) -> Callable[[LoweringContext], Sequence[str]]:
    def write(context: LoweringContext) -> Sequence[str]:
        axes = context.constant(list(context.attribute("axes")), "axes")
        return context.op(
            type_, [context.operand("input"), axes], keepdims=int(context.attribute("keep_dims", False))
        )

    return write


def _mean(context: LoweringContext) -> Sequence[str]:
    """A mean over all spatial axes is a global average pool, which runtimes have an integer kernel for."""
    value = context.input_value()
    if context.spec is None or context.attribute("axes") != tuple(range(2, len(value.shape))):
        return _reduction("ReduceMean")(context)
    return _global_pool(context, keep_dims=context.attribute("keep_dims", False))


def _global_pool(context: LoweringContext, *, keep_dims: bool) -> Sequence[str]:
    pooled = context.one("GlobalAveragePool", context.operand("input"))
    if keep_dims:
        return [pooled]
    return [context.one("Flatten", context.requantized(pooled, "output"), axis=1)]


def _adaptive_avg_pool(context: LoweringContext) -> Sequence[str]:
    wanted = context.attribute("output_size")
    if all(size == 1 for size in wanted):
        return _global_pool(context, keep_dims=context.attribute("keep_dims", True))
    given = context.input_value().example_shape[-len(wanted) :]
    if any(have % want for have, want in zip(given, wanted, strict=True)):
        raise context.refusal(
            f"adaptive pooling from {given} to {wanted}", "an output size that divides the input size"
        )
    steps = [have // want for have, want in zip(given, wanted, strict=True)]
    return context.op("AveragePool", [context.operand("input")], kernel_shape=steps, strides=steps)


def _avg_pool(context: LoweringContext) -> Sequence[str]:
    """Without padding none is counted: said so, because the integer kernel counts what `ceil_mode` adds."""
    if context.attribute("divisor") is not None:
        raise context.refusal("an average pool with a divisor of its own", "the size of the window")
    window = window_attributes(context)
    counts = any(window["pads"]) and context.attribute("count_include_pad", True)
    return context.op("AveragePool", [context.operand("input")], **window, count_include_pad=int(counts))


def _cast(context: LoweringContext) -> Sequence[str]:
    return context.op("Cast", [context.operand("input")], to=context.element_type)


def _rsqrt(context: LoweringContext) -> Sequence[str]:
    return [context.one("Reciprocal", context.one("Sqrt", context.operand("input")))]


def _square(context: LoweringContext) -> Sequence[str]:
    x = context.operand("input")
    return context.op("Mul", [x, x])


LOWERINGS = {
    "add": _scaled("Add"),
    "sub": _scaled("Sub"),
    **{name: _binary(type_) for name, type_ in _BINARY.items()},
    **{name: _unary(type_) for name, type_ in _UNARY.items()},
    **{name: _reduction(type_) for name, type_ in _REDUCTIONS.items()},
    "mean": _mean,
    "adaptive_avg_pool": _adaptive_avg_pool,
    "avg_pool": _avg_pool,
    "cast": _cast,
    "rsqrt": _rsqrt,
    "square": _square,
}
