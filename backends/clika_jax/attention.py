"""While a model is traced, `jax.nn.dot_product_attention` is spelt as the core knows attention.

Its own code maps over groups of heads and works on transposed probabilities; here every head is one matrix:
softmax(scale · q · kᵀ + mask) · v. The numbers are the same up to rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp

_ORIGINAL = jax.nn.dot_product_attention


@contextmanager
def plain_attention() -> Iterator[None]:
    """Replace the function for as long as the context lasts."""
    jax.nn.dot_product_attention = _attention
    try:
        yield
    finally:
        jax.nn.dot_product_attention = _ORIGINAL


def _attention(query: Any, key: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
    """query [B, T, N, H] or [T, N, H], key and value [B, S, K, H]; what is not spelt here stays with the original."""
    given = dict(zip(("bias", "mask"), args, strict=False)) | kwargs
    known = {"bias", "mask", "scale", "is_causal", "implementation"}
    others = {name: held for name, held in given.items() if name not in known and held is not None}
    if others or jnp.ndim(query) != 4 or query.dtype != jnp.float32 or query.shape[2] != key.shape[2]:
        return _ORIGINAL(query, key, value, *args, **kwargs)
    scale = given.get("scale") or query.shape[-1] ** -0.5
    q, k, v = (jnp.transpose(x, (0, 2, 1, 3)) for x in (query, key, value))
    scores = (q @ jnp.swapaxes(k, -1, -2)) * scale
    if given.get("bias") is not None:
        scores = scores + given["bias"]
    allowed = _allowed(given.get("mask"), given.get("is_causal", False), scores.shape)
    if allowed is not None:
        scores = scores + jnp.where(allowed, 0.0, _LEAST)
    return jnp.transpose(jax.nn.softmax(scores, axis=-1) @ v, (0, 2, 1, 3))


_LEAST = -0.7 * 3.4028235e38  # what jax.nn adds where a query may not look


def _allowed(mask: Any, is_causal: bool, shape: tuple[int, ...]) -> Any:
    """Where a query may look, or None where everywhere."""
    causal = jnp.tril(jnp.ones(shape[-2:], bool))[None, None] if is_causal else None
    if mask is None or causal is None:
        return causal if mask is None else mask
    return mask & causal
