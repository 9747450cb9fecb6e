"""Rounding and clipping that let gradients through, exact in the forward direction, by `jax.custom_vjp`.

(Bengio et al. 2013, arXiv:1308.3432: the rounding counts as the identity.) Every function is one compiled kernel when
it is called eagerly, and part of the caller's under `jit`.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpy.typing import NDArray

Limit: TypeAlias = (
    "float | NDArray[np.float32] | jax.Array"  # one for all codes, or one that broadcasts to them
)
Scale: TypeAlias = "NDArray[Any] | jax.Array"  # of JAX where it is learned


def divide_and_round(array: Any, scale: Scale, low: Limit, high: Limit, *, is_wide: bool = False) -> Any:
    """`clip(rint(array / scale), low, high)`, the division in float32 and IEEE; `is_wide`: in float64 after it."""
    if is_wide:
        with jax.enable_x64(True):
            limits = np.asarray(low, np.float64), np.asarray(high, np.float64)
            return _divide_and_round_wide(array, np.asarray(scale, np.float32), *limits)
    return _divide_and_round(array, *as_float32(scale, low, high))


def multiply_and_round(array: Any, factor: Scale, low: Limit, high: Limit) -> Any:
    """`clip(rint(array · factor), low, high)`, the product in float32."""
    return _multiply_and_round(array, *as_float32(factor, low, high))


def clip(codes: Any, low: Limit, high: Limit) -> Any:
    """Clip whose derivative is 1 on the bounds too; to the bounds themselves no gradient goes."""
    bounds = (
        bound.astype(codes.dtype) if isinstance(bound, jax.Array) else np.asarray(bound, codes.dtype)
        for bound in (low, high)
    )
    return _clip(codes, *bounds)


def as_float32(*values: Any) -> list[Any]:
    """Arrays of NumPy in float32; those of JAX as they are, so that gradients reach them."""
    return [value if isinstance(value, jax.Array) else np.asarray(value, np.float32) for value in values]


@jax.jit
def divide(array: Any, divisor: Any) -> Any:
    """array / divisor, IEEE, where both are positive."""
    return exact_division(array, divisor)


@jax.jit
def multiply_then_add(array: Any, factor: Any, addend: Any) -> Any:
    """`array · factor + addend`, rounded twice."""
    return _kept(_kept(array) * factor) + addend


@jax.jit
def inverse_root(array: Any) -> Any:
    """`1 / sqrt(array)`, IEEE: XLA would take a quick inverse root instead."""
    return 1 / _kept(jnp.sqrt(lax.stop_gradient(array)))


def _kept(values: Any) -> Any:
    """The values, rounded: XLA neither merges their product with another's nor contracts it with a sum after this."""
    return jnp.where(jnp.isnan(values), jnp.nan, values)


@jax.jit
def _divide_and_round(array: Any, scale: Any, low: Any, high: Any) -> Any:
    return _round_to_range(exact_division(array.astype(jnp.float32), scale), low, high)


@jax.jit
def _divide_and_round_wide(array: Any, scale: Any, low: Any, high: Any) -> Any:
    ratio = exact_division(array.astype(jnp.float32), scale)
    return jnp.clip(jnp.round(ratio.astype(jnp.float64)), low, high)


@jax.jit
def _multiply_and_round(array: Any, factor: Any, low: Any, high: Any) -> Any:
    return _round_to_range(array.astype(jnp.float32) * factor, low, high)


def exact_division(values: Any, scale: Any) -> Any:
    """values / scale, IEEE, where scale > 0; compiled too.

    XLA multiplies by a reciprocal where the divisor is a scalar or vector that is broadcast. A divisor that depends
    on every element stops it: both sides have their sign turned where the value is negative. Gradients go to both.
    """
    is_positive = values >= 0
    return jnp.where(is_positive, values, -values) / jnp.where(is_positive, scale, -scale)


@jax.custom_vjp
def _round_to_range(ratio: Any, low: Any, high: Any) -> Any:
    """clip(rint(ratio), low, high), rint to even; NaN stays NaN; the derivative is 1 where nothing is clipped."""
    return jnp.clip(jnp.round(ratio), low, high)


def _forward(ratio: Any, low: Any, high: Any) -> tuple[Any, Any]:
    codes = jnp.round(ratio)
    return jnp.clip(codes, low, high), ((codes >= low) & (codes <= high), low, high)


def _backward(saved: Any, upstream: Any) -> tuple[Any, Any, Any]:
    inside, low, high = saved
    return upstream * inside, jnp.zeros_like(low), jnp.zeros_like(high)


_round_to_range.defvjp(_forward, _backward)


def with_residuals(codes: Any, unrounded: Any, scale: Any, low: Limit, high: Limit, factor: float) -> Any:
    """The codes, whose gradient goes to `scale` too: factor · Σ upstream · d / scale, summed as `scale` is broadcast.

    d is codes - unrounded within half a code of the limits, and codes elsewhere. `unrounded` has no gradient.
    """
    return _with_residuals(codes, unrounded, scale, *as_float32(low, high, factor))


@jax.jit
def _with_residuals(codes: Any, unrounded: Any, scale: Any, low: Any, high: Any, factor: Any) -> Any:
    inside = (unrounded > low - 0.5) & (unrounded < high + 0.5)
    residuals = lax.stop_gradient(codes - jnp.where(inside, unrounded, 0))
    return _passed(codes, scale, residuals * factor)


@jax.custom_vjp
def _passed(codes: Any, *_: Any) -> Any:
    return codes


def _passed_forward(codes: Any, scale: Any, residuals: Any) -> tuple[Any, Any]:
    return codes, (scale, residuals)


def _passed_backward(saved: Any, upstream: Any) -> tuple[Any, Any, Any]:
    scale, residuals = saved
    return upstream, _summed_to(upstream * residuals, scale) / scale, jnp.zeros_like(residuals)


_passed.defvjp(_passed_forward, _passed_backward)


@jax.custom_vjp
def _multiply_add(array: Any, factor: Any, addend: Any) -> Any:
    """In float64, which JAX has to be told that it may use; gradients are of 32 bits, so that they are given."""
    with jax.enable_x64(True):
        wide = [lax.convert_element_type(x, np.float64) for x in (array, factor, addend)]
        return lax.convert_element_type(wide[0] * wide[1] + wide[2], np.float32)


def _multiply_add_forward(array: Any, factor: Any, addend: Any) -> tuple[Any, Any]:
    return _multiply_add(array, factor, addend), (array, factor, addend)


def _multiply_add_backward(saved: Any, upstream: Any) -> tuple[Any, Any, Any]:
    array, factor, addend = saved
    return (
        _summed_to(upstream * factor, array),
        _summed_to(upstream * array, factor),
        _summed_to(upstream, addend),
    )


def _summed_to(gradient: Any, operand: Any) -> Any:
    """A gradient of what `operand` was broadcast to, as its own."""
    shape = jnp.shape(operand)
    spread = gradient.ndim - len(shape)
    kept = [
        spread + axis for axis, size in enumerate(shape) if size == 1 and gradient.shape[spread + axis] != 1
    ]
    return gradient.sum(axis=(*range(spread), *kept), keepdims=True).reshape(shape)


_multiply_add.defvjp(_multiply_add_forward, _multiply_add_backward)
multiply_add = jax.jit(_multiply_add)


@jax.custom_vjp
def _clip_exactly(codes: Any, low: Any, high: Any) -> Any:
    return jnp.clip(codes, low, high)


def _clip_forward(codes: Any, low: Any, high: Any) -> tuple[Any, Any]:
    return jnp.clip(codes, low, high), ((codes >= low) & (codes <= high), low, high)


_clip_exactly.defvjp(_clip_forward, _backward)
_clip = jax.jit(_clip_exactly)
