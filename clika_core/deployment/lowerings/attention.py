"""Attention: softmax(scale · query · keyᵀ + mask) · value; of an integer layer both products read codes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clika_core.deployment import qdq
from clika_core.deployment.lowerings.context import LoweringContext


def _attention(context: LoweringContext) -> Sequence[str]:
    if context.attribute("scale") is None:
        raise context.refusal("attention whose scale follows from a free size", "a fixed width")
    scores = _scores(context)
    for mask in _masks(context):
        scores = context.one("Add", scores, mask)
    probabilities = context.one("Softmax", scores, axis=-1)
    if context.spec is not None:
        assert context.spec.probabilities is not None
        stem = f"{context.node.name}_probabilities"
        probabilities = qdq.pair(context.builder, probabilities, context.spec.probabilities, stem)[1]
    return context.op("MatMul", [probabilities, _shared(context, "value")])


def _scores(context: LoweringContext) -> str:
    """scale · query · keyᵀ; of an integer layer the scale behind the product, which reads queries as codes."""
    turned = context.one("Transpose", _shared(context, "key"), perm=_swapped(context))
    scale = context.constant(np.asarray(context.attribute("scale"), context.value().dtype), "scale")
    if context.spec is None:
        return context.one("MatMul", context.one("Mul", context.operand("query"), scale), turned)
    product = context.one("MatMul", context.operand("query"), context.requantized(turned, "key"))
    return context.one("Mul", product, scale)


def _swapped(context: LoweringContext) -> list[int]:
    """The order of the axes of keys with the last two swapped."""
    held = context.node.weight("key")
    rank = len(held.shape if held is not None else context.input_value("key").shape)
    return [*range(rank - 2), rank - 1, rank - 2]


def _shared(context: LoweringContext, role: str) -> str:
    """Keys or values, each head repeated for the query heads that share it."""
    name = context.operand(role)
    if not context.attribute("enable_gqa"):
        return name
    *front, heads, length, width = context.input_value(role).shape
    wanted = context.input_value("query").shape[-3]
    if not (isinstance(heads, int) and isinstance(wanted, int)):
        raise context.refusal("shared key heads of a free number", "a fixed number of heads")
    ones = context.constant([*[1] * len(front), 1, wanted // heads, 1, 1], "repeats")
    apart = context.one("Unsqueeze", name, context.constant([len(front) + 1], "axis"))
    spread = context.one("Expand", apart, ones)
    shape = context.shape((*front, wanted, length, width))
    return context.requantized(context.one("Reshape", spread, shape), role)


def _masks(context: LoweringContext) -> Sequence[str]:
    """What is added to the scores: 0, and -inf where a query may not look."""
    found = [_causal(context)] if context.attribute("is_causal") else []
    mask = context.optional("mask")
    if mask is not None and _is_boolean(context):
        masked = context.attribute("masked_value")
        chosen = (0.0, -np.inf) if masked is None else (masked, 0.0)
        dtype = context.value().dtype
        mask = context.one(
            "Where", mask, *(context.constant(np.asarray(x, dtype), "mask_value") for x in chosen)
        )
    return [*found, *([mask] if mask is not None else [])]


def _is_boolean(context: LoweringContext) -> bool:
    weight = context.node.weight("mask")
    return (weight.dtype if weight is not None else context.input_value("mask").dtype) == "bool"


def _causal(context: LoweringContext) -> str:
    queries, keys = (context.input_value(role).shape[-2] for role in ("query", "key"))
    if not (isinstance(queries, int) and isinstance(keys, int)):
        return _causal_over(context, queries, keys)
    allowed = np.tri(queries, keys)
    return context.constant(np.where(allowed > 0, 0.0, -np.inf).astype(context.value().dtype), "causal")


def _causal_over(context: LoweringContext, queries: int | str, keys: int | str) -> str:
    """The causal mask of lengths that are free: query i looks at key j where j <= i."""
    rows, columns = (context.counted(context.scalar(size)) for size in (queries, keys))
    rows = context.one("Unsqueeze", rows, context.constant([1], "axis"))
    zero, never = (context.number(value, "mask_value") for value in (0.0, -np.inf))
    return context.one("Where", context.one("LessOrEqual", columns, rows), zero, never)


LOWERINGS = {"attention": _attention}
