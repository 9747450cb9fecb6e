"""What operations run where a primitive's own call does not do: functions of `jax.lax` with neutral arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


def permute(x: Any, axes: tuple[int, ...]) -> Any:
    """The axes in another order."""
    return lax.transpose(x, axes)


def reshape(x: Any, shape: tuple[Any, ...]) -> Any:
    """The elements in another shape."""
    return lax.reshape(x, shape)


def full(shape: tuple[Any, ...], value: Any, dtype: Any) -> Any:
    """A value filled with a number."""
    return lax.full(shape, value, dtype)


def expand(x: Any, shape: tuple[Any, ...], axes: tuple[int, ...]) -> Any:
    """`x` repeated to `shape`; its axes are `axes` of the result."""
    return lax.broadcast_in_dim(x, shape, axes)


def relu(x: Any, _: Any) -> Any:
    """max(x, 0) with derivative 0 at 0, as `jax.nn.relu` has it."""
    return jax.nn.relu(x)


def select(x: Any, index: int, axis: int = 0) -> Any:
    """One entry of an axis."""
    return lax.index_in_dim(x, index, axis, keepdims=False)


def stack(*parts: Any, axis: int = 0) -> Any:
    """Values side by side on a new axis."""
    return jnp.stack(parts, axis)


def concat(*parts: Any, axis: int) -> Any:
    """Values side by side on an axis they have."""
    return lax.concatenate(parts, axis)


def slice_axis(x: Any, axis: int, start: Any, end: Any, step: int) -> Any:
    """Part of one axis."""
    return lax.slice_in_dim(x, start, end, step, axis)


def where(condition: Any, x: Any, other: Any) -> Any:
    """`x` where the condition holds, else `other`."""
    shape = jnp.broadcast_shapes(*map(jnp.shape, (condition, x, other)))
    return lax.select_n(*(jnp.broadcast_to(v, shape) for v in (condition, other, x)))


def clamp(x: Any, low: Any, high: Any) -> Any:
    """min(max(x, low), high)."""
    return lax.clamp(low, x, high)


def pad(x: Any, value: Any, pads: Sequence[tuple[int, int]]) -> Any:
    """Values around every axis."""
    return lax.pad(x, jnp.asarray(value, x.dtype), [(before, after, 0) for before, after in pads])


def linear(x: Any, weight: Any, bias: Any, **settings: Any) -> Any:
    """x [..., in] times weight [out, in], transposed, plus bias [out]."""
    y = lax.dot_general(x, weight, (((x.ndim - 1,), (1,)), ((), ())), **settings)
    return y if bias is None else y + bias


def matmul(x: Any, other: Any, **settings: Any) -> Any:
    """x [..., M, K] times other [..., K, N]; the axes before are the same on both sides."""
    shared = tuple(range(x.ndim - 2))
    return lax.dot_general(x, other, (((x.ndim - 1,), (x.ndim - 2,)), (shared, shared)), **settings)


def conv(x: Any, weight: Any, bias: Any, channel_axis: int, **settings: Any) -> Any:
    """x [N, ..., C, ...] with its channels on `channel_axis`, weight [out, in / groups, *kernel], bias [out]."""
    y = lax.conv_general_dilated(x, weight, dimension_numbers=_layout(x.ndim, channel_axis), **settings)
    return _biased(y, bias, channel_axis)


def conv_transpose(x: Any, weight: Any, bias: Any, channel_axis: int, **settings: Any) -> Any:
    """The same with weight [in, out, *kernel]: the gradient of a convolution with respect to its input."""
    flipped = lax.rev(jnp.swapaxes(weight, 0, 1), tuple(range(2, weight.ndim)))
    return conv(x, flipped, bias, channel_axis, **settings)


def _layout(rank: int, channel_axis: int) -> lax.ConvDimensionNumbers:
    space = tuple(axis for axis in range(1, rank) if axis != channel_axis)
    values = (0, channel_axis, *space)
    return lax.ConvDimensionNumbers(values, tuple(range(rank)), values)


def _biased(y: Any, bias: Any, channel_axis: int) -> Any:
    if bias is None:
        return y
    return y + lax.broadcast_in_dim(
        bias, tuple(bias.shape[0] if axis == channel_axis else 1 for axis in range(y.ndim)), (channel_axis,)
    )


def embedding(indices: Any, weight: Any, **settings: Any) -> Any:
    """Rows of weight [rows, features]; negative indices count from the end."""
    return gather(weight, indices, axis=0, **settings)


def gather(x: Any, indices: Any, axis: int, **settings: Any) -> Any:
    """Entries of an axis; negative indices count from the end."""
    counted = jnp.where(indices < 0, indices + x.shape[axis], indices)
    return lax.gather(x, lax.expand_dims(counted, (counted.ndim,)), **settings)


def window_max(x: Any, **settings: Any) -> Any:
    """The largest value in each window."""
    return lax.reduce_window(x, _lowest(x.dtype), lax.max, **settings)


def window_sum(x: Any, **settings: Any) -> Any:
    """The sum of each window."""
    return lax.reduce_window(x, np.zeros((), x.dtype), lax.add, **settings)


def _lowest(dtype: Any) -> Any:
    """What every element is at least: a constant of NumPy, by which JAX knows the reduction and its derivative."""
    if jnp.issubdtype(dtype, jnp.floating):
        return np.asarray(-np.inf, dtype)
    return np.asarray(np.iinfo(dtype).min, dtype)
