"""Pools. [N, C, ...]: windows slide over the axes behind the first two."""

from __future__ import annotations

from itertools import product

import numpy as np

from clika_loopback.kernels.kernel import Array, Attributes, Kernel, Operands, last_axes
from clika_loopback.kernels.window import Window


def pool_window(attributes: Attributes) -> Window:
    """The window of a pool: strides are the kernel's sizes where none are given."""
    kernel = tuple(attributes["kernel_size"])
    return Window.of(attributes, kernel, kernel)


def _extra(window: Window, x: Array, attributes: Attributes) -> tuple[int, ...]:
    sizes = x.shape[x.ndim - len(window.kernel) :]
    return window.extra_for_ceiling(sizes) if attributes.get("ceil_mode") else (0,) * len(sizes)


def _kernel_axes(window: Window) -> tuple[int, ...]:
    return tuple(range(-len(window.kernel), 0))


def _max_pool(operands: Operands, attributes: Attributes) -> Array:
    x, window = operands["input"], pool_window(attributes)
    padded = window.padded(x, -np.inf, extra=_extra(window, x, attributes))
    return np.asarray(window.views(padded).max(_kernel_axes(window)))


def _avg_pool(operands: Operands, attributes: Attributes) -> Array:
    """Sums over windows by how many elements count: padding does, unless told; what `ceil_mode` adds never."""
    x, window = operands["input"], pool_window(attributes)
    extra, axes = _extra(window, x, attributes), _kernel_axes(window)
    counted = np.ones(x.shape[x.ndim - len(extra) :], x.dtype)
    counted = window.padded(counted, 1.0 if attributes.get("count_include_pad", True) else 0.0)
    counted = np.pad(counted, [(0, more) for more in extra])
    sums = window.views(window.padded(x, 0.0, extra=extra)).sum(axes)
    return np.asarray(sums / window.views(counted).sum(axes))


def _adaptive(operands: Operands, attributes: Attributes) -> Array:
    """Output position i averages the inputs from floor(i · have / want) to ceil((i + 1) · have / want)."""
    x, wanted = operands["input"], tuple(attributes["output_size"])
    given = x.shape[x.ndim - len(wanted) :]
    result = np.empty((*x.shape[: x.ndim - len(wanted)], *wanted), x.dtype)
    for place in product(*map(range, wanted)):
        part = tuple(
            slice(i * have // want, -(-(i + 1) * have // want))
            for i, have, want in zip(place, given, wanted, strict=True)
        )
        one = tuple(slice(i, i + 1) for i in place)
        axes = tuple(range(-len(wanted), 0))
        last_axes(result, one)[...] = last_axes(x, part).mean(axes, keepdims=True)
    return result if attributes.get("keep_dims", True) else result.reshape(result.shape[: -len(wanted)])


KERNELS: dict[str, Kernel] = {"max_pool": _max_pool, "avg_pool": _avg_pool, "adaptive_avg_pool": _adaptive}
