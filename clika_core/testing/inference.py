"""Output shapes and dtypes that `GraphBuilder` fills in: plausible, not a shape checker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import zip_longest
from math import prod
from typing import TypeAlias

from clika_core.ir.graph import AttributeValue, Shape, Value, Weight

Weights: TypeAlias = Mapping[str, Weight]
Attributes: TypeAlias = Mapping[str, AttributeValue]
ShapeRule: TypeAlias = Callable[[tuple[Value, ...], Weights, Attributes], Shape]

_COMPARISONS = ("eq", "ne", "ge", "gt", "le", "lt", "is_finite", "is_nan")
_LOGIC = ("logical_and", "logical_or", "logical_xor", "logical_not", "all", "any")
_BOOLEAN = frozenset((*_COMPARISONS, *_LOGIC))
_INTEGER = frozenset({"argmax", "argmin", "non_zero", "arange", "one_hot"})
_FROM_INDICES = frozenset({"embedding"})


def output_shape(
    type_name: str,
    inputs: tuple[Value, ...],
    weights: tuple[Weight, ...],
    attributes: Attributes,
) -> Shape:
    """The shape a layer of that type most likely yields: by its rule, else its operands broadcast."""
    by_role = {weight.role: weight for weight in weights}
    rule = _RULES.get(type_name) if inputs else None
    if rule is not None:
        return rule(inputs, by_role, attributes)
    shapes = [value.shape for value in inputs] or [weights[0].shape if weights else ()]
    result: Shape = ()
    for shape in shapes:
        result = _broadcast(result, shape)
    return result


def output_dtype(type_name: str, inputs: tuple[Value, ...]) -> str:
    """bool of comparisons, int64 of positions, else that of the first floating operand or the first."""
    if type_name in _BOOLEAN:
        return "bool"
    if type_name in _INTEGER:
        return "int64"
    floats = [value.dtype for value in inputs if value.is_float]
    if floats or type_name in _FROM_INDICES or not inputs:
        return floats[0] if floats else "float32"
    return inputs[0].dtype


def _broadcast(one: Shape, other: Shape) -> Shape:
    """NumPy's rule, aligned on the right; where sizes disagree, those of `one`."""
    pairs = zip_longest(reversed(one), reversed(other), fillvalue=1)
    return tuple(b if a == 1 else a for a, b in pairs)[::-1]


def _channels_from_weight(inputs: tuple[Value, ...], weights: Weights, _: Attributes) -> Shape:
    """[N, C, ...] to [N, weight.shape[0], ...], spatial sizes kept."""
    shape = inputs[0].shape
    weight = weights.get("weight")
    return shape if weight is None or len(shape) < 2 else (shape[0], weight.shape[0], *shape[2:])


def _linear(inputs: tuple[Value, ...], weights: Weights, _: Attributes) -> Shape:
    weight = weights.get("weight")
    return inputs[0].shape if weight is None else (*inputs[0].shape[:-1], weight.shape[0])


def _matmul(inputs: tuple[Value, ...], weights: Weights, _: Attributes) -> Shape:
    """[..., M, K] times [..., K, N], either of them a weight."""
    left: Shape = weights["input"].shape if "input" in weights else inputs[0].shape
    right: Shape = weights["other"].shape if "other" in weights else inputs[-1].shape
    return (*left[:-1], right[-1]) if left and right else ()


def _flatten(inputs: tuple[Value, ...], _: Weights, __: Attributes) -> Shape:
    """[N, ...] to [N, product of the rest]."""
    shape = inputs[0].shape
    rest = [size for size in shape[1:] if isinstance(size, int)]
    return (shape[0], prod(rest)) if len(shape) > 1 and len(rest) == len(shape) - 1 else shape


def _embedding(inputs: tuple[Value, ...], weights: Weights, _: Attributes) -> Shape:
    weight = weights.get("weight")
    return inputs[0].shape if weight is None else (*inputs[0].shape, weight.shape[1])


def _permuted(inputs: tuple[Value, ...], _: Weights, attributes: Attributes) -> Shape:
    shape, axes = inputs[0].shape, attributes.get("axes")
    return tuple(shape[axis] for axis in axes if isinstance(axis, int)) if isinstance(axes, tuple) else shape


def _reduced(inputs: tuple[Value, ...], _: Weights, attributes: Attributes) -> Shape:
    """Without the reduced axes, or with 1 in their place where `keep_dims`; all axes where none is named."""
    shape, axes = inputs[0].shape, attributes.get("axes")
    listed = axes if isinstance(axes, tuple) else range(len(shape))
    gone = {axis % len(shape) for axis in listed if isinstance(axis, int)}
    kept = [1 if axis in gone else size for axis, size in enumerate(shape)]
    return tuple(s for i, s in enumerate(kept) if attributes.get("keep_dims") or i not in gone)


_REDUCTIONS = ("mean", "sum", "prod", "var", "std", "reduce_max", "reduce_min")
_RULES: dict[str, ShapeRule] = {
    "conv": _channels_from_weight,
    "embedding": _embedding,
    "flatten": _flatten,
    "linear": _linear,
    "matmul": _matmul,
    "permute": _permuted,
    **dict.fromkeys(_REDUCTIONS, _reduced),
}
