"""Attention in float: softmax(scale · query · keyᵀ + mask) · value. Vaswani et al. 2017, arXiv:1706.03762."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from clika_core.ir.graph import Value
from clika_tensorflow.tflite.operators.layer import Layer, Writer


def _attention(layer: Layer) -> None:
    if layer.attribute("enable_gqa"):
        raise layer.refusal("attention whose keys are shared by heads", "as many keys as queries")
    scale = layer.attribute("scale")
    if scale is None:
        raise layer.refusal("attention whose scale follows from a free size", "a fixed width")
    value = _scores(layer)
    query = layer.one(
        "MUL",
        [layer.operand("query"), layer.constant("scale", np.float32(scale))],
        layer.values["query"],
        "MulOptions",
    )
    scores = layer.one(
        "BATCH_MATMUL", [query, layer.operand("key")], value, "BatchMatMulOptions", adjX=False, adjY=True
    )
    for mask in _masks(layer, value):
        scores = layer.one("ADD", [scores, mask], value, "AddOptions")
    shares = layer.one("SOFTMAX", [scores], value, "SoftmaxOptions", beta=1.0)
    layer.write("BATCH_MATMUL", [shares, layer.operand("value")], "BatchMatMulOptions")


def _scores(layer: Layer) -> Value:
    """[..., queries, keys]."""
    query, key = layer.values["query"], layer.values["key"]
    return replace(
        query,
        shape=(*query.shape[:-1], key.shape[-2]),
        example_shape=(*query.example_shape[:-1], key.example_shape[-2]),
    )


def _masks(layer: Layer, scores: Value) -> list[int]:
    """What is added to the scores: 0, and the lowest number where a query may not look."""
    found, never = [], np.finfo(np.float32).min
    if layer.attribute("is_causal"):
        if not all(isinstance(size, int) for size in scores.shape[-2:]):
            raise layer.refusal("causal attention over a free length", "a fixed length, or an explicit mask")
        queries, keys = scores.example_shape[-2:]
        allowed = np.tri(queries, keys)
        found.append(layer.constant("causal", np.where(allowed > 0, 0, never).astype(np.float32)))
    if "mask" not in layer.inputs and "mask" not in layer.arrays:
        return found
    mask = layer.operand("mask")
    held = layer.arrays.get("mask")
    dtype = str(held.dtype) if held is not None else layer.values["mask"].dtype
    if dtype == "bool":
        chosen = [layer.constant("zero", np.float32(0)), layer.constant("never", np.float32(never))]
        if layer.attribute("masked_value") is not None:
            chosen.reverse()
        shape = layer.values.get("mask") or Value("bool", held.shape, held.shape)  # type: ignore[union-attr]
        mask = layer.one("SELECT_V2", [mask, *chosen], replace(shape, dtype="float32"))
    return [*found, mask]


WRITERS: dict[str, Writer] = {"attention": _attention}
