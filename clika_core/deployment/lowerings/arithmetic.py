"""Arithmetic, comparisons and average pools."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from clika_core.deployment.lowerings.context import LoweringContext
from clika_core.deployment.lowerings.pooling import window_attributes
from clika_core.deployment.lowerings.resizing import refuse_free_sizes, uneven_pool

_BINARY = {"mul": "Mul", "div": "Div", "maximum": "Max", "minimum": "Min"}
_COMPARISONS = {"eq": "Equal", "gt": "Greater", "ge": "GreaterOrEqual", "lt": "Less", "le": "LessOrEqual"}
_LOGICAL = {"logical_and": "And", "logical_or": "Or", "logical_xor": "Xor"}
_BITWISE = {"bitwise_and": "And", "bitwise_or": "Or"}
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


def _binary(type_: str) -> Callable[[LoweringContext], Sequence[str]]:
    """Both operands in the dtype of the result."""
    return lambda context: context.op(type_, [context.alike("input"), context.alike("other")])


def _compared(type_: str) -> Callable[[LoweringContext], Sequence[str]]:
    """Operands of two dtypes meet in the one that is floating point, or wider."""

    def write(context: LoweringContext) -> Sequence[str]:
        names = {role: context.operand(role) for role in ("input", "other")}
        dtypes = {role: context.dtype_of(role) for role in names if context.has(role)}
        common = max(dtypes.values(), key=lambda dtype: (np.dtype(dtype).kind, np.dtype(dtype).itemsize))
        for role, dtype in dtypes.items():
            names[role] = names[role] if dtype == common else context.cast(names[role], common)
        return context.op(type_, list(names.values()))

    return write


def _logical(type_: str) -> Callable[[LoweringContext], Sequence[str]]:
    def write(context: LoweringContext) -> Sequence[str]:
        names = [context.operand(role) for role in ("input", "other")]
        bools = [
            name if not context.has(role) or context.dtype_of(role) == "bool" else context.cast(name, "bool")
            for role, name in zip(("input", "other"), names, strict=True)
        ]
        return context.op(type_, bools)

    return write


def _bitwise(type_: str) -> Callable[[LoweringContext], Sequence[str]]:
    """On booleans the logical operation, on integers the one on bits."""
    return lambda context: _binary(type_ if context.value().dtype == "bool" else f"Bitwise{type_}")(context)


def _bitwise_not(context: LoweringContext) -> Sequence[str]:
    return context.op("Not" if context.value().dtype == "bool" else "BitwiseNot", [context.operand("input")])


def _not_equal(context: LoweringContext) -> Sequence[str]:
    return context.op("Not", _compared("Equal")(context))


def _remainder(context: LoweringContext) -> str:
    """With the sign of the divisor, as Python has it: x - floor(x / y) · y; for integers ONNX's own."""
    x, y = context.alike("input"), context.alike("other")
    if "float" not in context.value().dtype:
        return context.one("Mod", x, y)
    return context.one("Sub", x, context.one("Mul", context.one("Floor", context.one("Div", x, y)), y))


def _floor_divide(context: LoweringContext) -> Sequence[str]:
    x, y = context.alike("input"), context.alike("other")
    if "float" in context.value().dtype:
        return context.op("Floor", [context.one("Div", x, y)])
    return context.op("Div", [context.one("Sub", x, context.one("Mod", x, y)), y])


def _addcmul(context: LoweringContext) -> Sequence[str]:
    product = context.one("Mul", context.alike("tensor1"), context.alike("tensor2"))
    value = context.attribute("value", 1)
    scaled = product if value == 1 else context.one("Mul", product, context.number(value, "value"))
    return context.op("Add", [context.alike("input"), scaled])


def _einsum(context: LoweringContext) -> Sequence[str]:
    roles = [f"inputs.{i}" for i in range(len(context.inputs) + len(context.weights))]
    equation = context.attribute("equation").replace(" ", "")
    return context.op("Einsum", [context.alike(role) for role in roles], equation=equation)


def _logarithm(base: float) -> Callable[[LoweringContext], Sequence[str]]:
    def write(context: LoweringContext) -> Sequence[str]:
        natural = context.one("Log", context.alike("input"))
        return context.op("Mul", [natural, context.number(1 / np.log(base), "factor")])

    return write


def _log1p(context: LoweringContext) -> Sequence[str]:
    return context.op("Log", [context.one("Add", context.alike("input"), context.number(1, "one"))])


def _expm1(context: LoweringContext) -> Sequence[str]:
    return context.op("Sub", [context.one("Exp", context.alike("input")), context.number(1, "one")])


def _exp2(context: LoweringContext) -> Sequence[str]:
    return context.op("Pow", [context.number(2, "two"), context.alike("input")])


def _is_finite(context: LoweringContext) -> Sequence[str]:
    x = context.operand("input")
    return context.op("Not", [context.one("Or", context.one("IsInf", x), context.one("IsNaN", x))])


def _scaled(type_: str) -> Callable[[LoweringContext], Sequence[str]]:
    """A sum or difference whose second operand is multiplied by `alpha` first."""

    def write(context: LoweringContext) -> Sequence[str]:
        other, alpha = context.alike("other"), context.attribute("alpha", 1)
        if alpha != 1:
            other = context.one("Mul", other, context.number(alpha, "alpha"))
        return context.op(type_, [context.alike("input"), other])

    return write


def _unary(type_: str) -> Callable[[LoweringContext], Sequence[str]]:
    return lambda context: context.op(type_, [context.operand("input")])


def _mean(context: LoweringContext) -> Sequence[str]:
    """A mean over all spatial axes is a global average pool, which runtimes have an integer kernel for."""
    value = context.input_value()
    if context.spec is None or context.attribute("axes") != tuple(range(2, len(value.shape))):
        axes = context.constant(list(context.attribute("axes")), "axes")
        kept = int(context.attribute("keep_dims", False))
        return context.op("ReduceMean", [context.alike("input"), axes], keepdims=kept)
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
    refuse_free_sizes(context, len(wanted))
    given = context.input_value().example_shape[-len(wanted) :]
    if any(have % want for have, want in zip(given, wanted, strict=True)):
        return uneven_pool(context, given, wanted)
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
    **{name: _compared(type_) for name, type_ in _COMPARISONS.items()},
    **{name: _logical(type_) for name, type_ in _LOGICAL.items()},
    **{name: _bitwise(type_) for name, type_ in _BITWISE.items()},
    "pow": lambda context: context.op("Pow", [context.alike("input"), context.operand("other")]),
    "bitwise_not": _bitwise_not,
    "ne": _not_equal,
    "remainder": lambda context: [_remainder(context)],
    "floor_divide": _floor_divide,
    "addcmul": _addcmul,
    "einsum": _einsum,
    "exp2": _exp2,
    "expm1": _expm1,
    "log1p": _log1p,
    "log2": _logarithm(2.0),
    "log10": _logarithm(10.0),
    "is_nan": _unary("IsNaN"),
    "is_finite": _is_finite,
    **{name: _unary(type_) for name, type_ in _UNARY.items()},
    "mean": _mean,
    "adaptive_avg_pool": _adaptive_avg_pool,
    "avg_pool": _avg_pool,
    "cast": _cast,
    "rsqrt": _rsqrt,
    "square": _square,
}
