"""Attention on codes: softmax(scale · q · kᵀ + mask) · v with both products in integers.

    scores = (Σ q·k) · (s_q·s_k) · scale + mask         the sum exact, then float32 in this order
    probabilities = quantize(softmax(scores))
    output = clip(rint(Σ p·v · s_p·s_v/s_o) + z_o)

Scores are never codes: a step of their scale is a factor in the probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from clika_core.backend.interface import Array, ArrayOps, LayerCall
from clika_core.ir.graph import Node
from clika_core.simulation.layer_spec import LayerSpec
from clika_core.simulation.learning import quantized


def attend(
    spec: LayerSpec,
    call: LayerCall,
    inputs: Sequence[Array],
    arrays: ArrayOps,
    weights: Mapping[str, Array],
) -> tuple[Array, ...]:
    """The sums Σ p·v [..., L, V], of queries [..., L, E], keys [..., S, E] and values [..., S, V]."""
    query, key, value, mask = _operands(call, inputs, weights, arrays, spec.accumulate_dtype)
    sums = arrays.cast(arrays.matmul(query, key, transposed=True), "float32")
    scores = sums * _number(spec.scores_scale) * _factor(spec.node)
    assert spec.probabilities is not None
    codes = quantized(_softmax(spec.node, arrays, scores, mask), spec.probabilities, arrays)
    return (arrays.matmul(arrays.cast(codes, spec.accumulate_dtype), value),)


def probabilities(call: LayerCall, arrays: ArrayOps) -> Array:
    """The probabilities [..., L, S] of a layer on the real values it is given."""
    query, key, _, mask = _operands(call, call.inputs, {}, arrays, "float32")
    scores = arrays.matmul(query, key, transposed=True) * _factor(call.node)
    return _softmax(call.node, arrays, scores, mask)


def _operands(
    call: LayerCall, inputs: Sequence[Array], weights: Mapping[str, Array], arrays: ArrayOps, dtype: str
) -> tuple[Array, Array, Array, Array | None]:
    """Queries, keys and values, a head of each for every head of queries, and the mask as it is."""
    roles = (port.role for port in call.node.inputs)
    held = {**call.weights, **weights, **dict(zip(roles, inputs, strict=True))}
    query, key, value = (arrays.cast(held[role], dtype) for role in ("query", "key", "value"))
    if call.node.attributes.get("enable_gqa"):
        times = int(query.shape[-3]) // int(key.shape[-3])
        key, value = (arrays.repeat(shared, times, -3) for shared in (key, value))
    return query, key, value, held.get("mask")


def _softmax(node: Node, arrays: ArrayOps, scores: Array, mask: Array | None) -> Array:
    if node.attributes.get("is_causal"):
        queries, keys = (int(size) for size in scores.shape[-2:])
        mask = arrays.from_numpy(np.tri(queries, keys, dtype=bool), scores)
    masked = node.attributes.get("masked_value")
    if mask is not None and isinstance(masked, float):
        mask = ~mask if masked == -np.inf else arrays.cast(mask, "float32") * masked
    return arrays.softmax(scores, mask)


def _factor(node: Node) -> float:
    """What scores are multiplied by, as float32 holds it."""
    scale = node.attributes["scale"]
    assert isinstance(scale, int | float)
    return float(np.float32(scale))


def _number(scale: Any) -> Any:
    """A number as Python's own, which every framework takes in the dtype of the array beside it; else the array."""
    return float(scale) if isinstance(scale, np.ndarray | np.generic) else scale
