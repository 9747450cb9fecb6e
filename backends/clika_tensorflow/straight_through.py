"""Rounding that lets gradients through where it does not clip."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import tensorflow as tf

_FLOAT32_INTEGERS: Final = 2.0**24

Limit: TypeAlias = Any  # a number for all codes, or a float32 tensor that broadcasts to them


def round_to_range(ratio: Any, low: Limit, high: Limit) -> Any:
    """`clip(rint(ratio), low, high)`, rint to even; NaN stays NaN. The derivative is 1 where nothing is clipped.

    `ratio` is float32 of any shape. The result is float32, float64 where a limit is an integer that float32
    cannot hold.
    """
    is_wide = isinstance(high, float) and isinstance(low, float) and max(-low, high) > _FLOAT32_INTEGERS
    dtype = tf.float64 if is_wide else tf.float32
    least, most = (tf.constant(x, dtype) if isinstance(x, float) else tf.cast(x, dtype) for x in (low, high))

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def rounded(x: Any) -> Any:
        codes = tf.round(tf.cast(x, dtype))

        def gradient(upstream: Any) -> Any:
            inside = tf.logical_and(codes >= least, codes <= most)
            return tf.cast(tf.where(inside, upstream, tf.zeros_like(upstream)), x.dtype)

        return _clip(codes, least, most), gradient

    return rounded(ratio)


def with_residuals(codes: Any, unrounded: Any, scale: Any, low: Limit, high: Limit, factor: float) -> Any:
    """The codes, whose gradient goes to `scale` too: factor · Σ upstream · d / scale, summed as `scale` is broadcast.

    d is codes - unrounded within half a code of the limits, and codes elsewhere. `unrounded` has no gradient.
    """
    inside = tf.logical_and(unrounded > low - 0.5, unrounded < high + 0.5)
    residuals = tf.stop_gradient(codes - tf.where(inside, unrounded, tf.zeros_like(unrounded)))

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def own(x: Any, divisor: Any) -> Any:
        def gradient(upstream: Any) -> Any:
            return upstream, _summed_to(upstream * residuals, divisor.shape) * factor / divisor

        return tf.identity(x), gradient

    return own(codes, scale)


def _summed_to(gradient: Any, shape: Any) -> Any:
    """A gradient of what an operand of `shape` was broadcast to, as its own."""
    spread = gradient.shape.rank - shape.rank
    kept = [spread + axis for axis, size in enumerate(shape) if size == 1]
    return tf.reshape(tf.reduce_sum(gradient, [*range(spread), *kept]), shape)


def _clip(codes: Any, least: Any, most: Any) -> Any:
    """NaN stays NaN: `tf.minimum` and `tf.maximum` may lose it in compiled code."""
    clipped = tf.minimum(tf.maximum(codes, least), most)
    return tf.where(tf.math.is_nan(codes), codes, clipped)
