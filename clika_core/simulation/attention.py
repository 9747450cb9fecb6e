"""Attention on codes: softmax(scale · q · kᵀ + mask) · v with both products in integers.

    scores = (Σ q·k) · (s_q·s_k) · scale + mask         the sum exact, then float32 in this order
    probabilities = quantize(softmax(scores))           their parameters are the target's, not calibrated
    output = clip(rint(Σ p·v · s_p·s_v/s_o) + z_o)

Scores are never codes: a step of their scale is a factor in the probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from clika_core.backend.interface import Array, ArrayOps, LayerCall
from clika_core.simulation.layer_spec import LayerSpec


def attend(
    spec: LayerSpec,
    call: LayerCall,
    inputs: Sequence[Array],
    arrays: ArrayOps,
    weights: Mapping[str, Array],
) -> tuple[Array, ...]:
    """The centred output codes [..., L, V], of queries [..., L, E], keys [..., S, E] and values [..., S, V]."""
    roles = (port.role for port in spec.node.inputs)
    operands = {**call.weights, **weights, **dict(zip(roles, inputs, strict=True))}
    query, key, value = (
        arrays.cast(operands[role], spec.accumulate_dtype) for role in ("query", "key", "value")
    )
    if spec.node.attributes.get("enable_gqa"):
        times = int(query.shape[-3]) // int(key.shape[-3])
        key, value = (arrays.repeat(shared, times, -3) for shared in (key, value))
    sums = arrays.cast(arrays.matmul(query, key, transposed=True), "float32")
    scores = sums * _number(spec.scores_scale) * _factor(spec)
    codes = _probabilities(spec, arrays, scores, operands.get("mask"))
    weighted = arrays.matmul(arrays.cast(codes, spec.accumulate_dtype), value)
    output, multiplier = spec.outputs[0], spec.multiplier
    assert output is not None
    assert multiplier is not None
    return (arrays.rescale(arrays.cast(weighted, "float32"), multiplier, None, output),)


def _probabilities(spec: LayerSpec, arrays: ArrayOps, scores: Array, mask: Array | None) -> Array:
    """Centred codes of the probabilities [..., L, S]."""
    assert spec.probabilities is not None
    if spec.node.attributes.get("is_causal"):
        queries, keys = (int(size) for size in scores.shape[-2:])
        mask = arrays.from_numpy(np.tri(queries, keys, dtype=bool), scores)
    return arrays.quantize(arrays.softmax(scores, mask), spec.probabilities)


def _factor(spec: LayerSpec) -> float:
    """What scores are multiplied by, as float32 holds it."""
    scale = spec.node.attributes["scale"]
    assert isinstance(scale, int | float)
    return float(np.float32(scale))


def _number(scale: Any) -> Any:
    """A number as Python's own, which every framework takes in the dtype of the array beside it; else the array."""
    return float(scale) if isinstance(scale, np.ndarray | np.generic) else scale
