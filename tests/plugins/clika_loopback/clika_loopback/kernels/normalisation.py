"""Norm layers and attention, as inference computes them."""

from __future__ import annotations

import numpy as np

from clika_loopback.kernels.kernel import Array, Attributes, Kernel, Operands, along


def _normalised(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    centred = x - x.mean(axes, keepdims=True)
    return np.asarray(centred / np.sqrt(np.square(centred).mean(axes, keepdims=True) + epsilon))


def _batch_norm(operands: Operands, attributes: Attributes) -> Array:
    x = operands["input"]
    axis = attributes.get("axis", 1)
    part = {role: along(array, axis, x.ndim) for role, array in operands.items() if role != "input"}
    spread = np.sqrt(part["running_var"] + attributes.get("epsilon", 1e-5))
    result = (x - part["running_mean"]) / spread
    return np.asarray(result * part.get("weight", 1) + part.get("bias", 0))


def _layer_norm(operands: Operands, attributes: Attributes) -> Array:
    axes = tuple(attributes.get("axes", (-1,)))
    result = _normalised(operands["input"], axes, attributes.get("epsilon", 1e-5))
    return np.asarray(result * operands.get("weight", 1) + operands.get("bias", 0))


def _rms_norm(operands: Operands, attributes: Attributes) -> Array:
    x, axes = operands["input"], tuple(attributes.get("axes", (-1,)))
    size = np.sqrt(np.square(x).mean(axes, keepdims=True) + attributes.get("epsilon", 1e-5))
    return np.asarray(x / size * operands.get("weight", 1))


def _group_norm(operands: Operands, attributes: Attributes) -> Array:
    """[N, C, ...]: each sample's channels in `num_groups` runs."""
    x, groups = operands["input"], attributes["num_groups"]
    flat = x.reshape(x.shape[0], groups, -1)
    result = _normalised(flat, (2,), attributes.get("epsilon", 1e-5)).reshape(x.shape)
    part = {role: along(array, 1, x.ndim) for role, array in operands.items() if role != "input"}
    return np.asarray(result * part.get("weight", 1) + part.get("bias", 0))


def _attention(operands: Operands, attributes: Attributes) -> Array:
    """softmax(scale · query · keyᵀ + mask) · value (Vaswani et al. 2017, section 3.2.1)."""
    query, key = operands["query"], operands["key"]
    scores = np.matmul(query, key.swapaxes(-1, -2)) * query.dtype.type(attributes["scale"])
    if attributes.get("masked_value") is None:
        scores = scores + operands.get("mask", 0)
    else:
        scores = np.where(operands["mask"], query.dtype.type(attributes["masked_value"]), scores)
    if attributes.get("is_causal"):
        scores = np.where(np.tri(*scores.shape[-2:]) > 0, scores, -np.inf)
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return np.asarray(np.matmul(powers / powers.sum(-1, keepdims=True), operands["value"]))


KERNELS: dict[str, Kernel] = {
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "rms_norm": _rms_norm,
    "group_norm": _group_norm,
    "attention": _attention,
}
