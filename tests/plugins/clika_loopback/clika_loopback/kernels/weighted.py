"""Convolutions, dense layers, matrix products and look-ups."""

from __future__ import annotations

from itertools import starmap

import numpy as np

from clika_loopback.kernels.kernel import Array, Attributes, Kernel, Operands, along, last_axes
from clika_loopback.kernels.window import Window


def conv_window(attributes: Attributes, weight_shape: tuple[int, ...]) -> Window:
    """The window of a convolution whose weight is [out, in / groups, *kernel]."""
    return Window.of(attributes, weight_shape[2:])


def _correlate(padded: Array, weight: Array, window: Window) -> Array:
    """[N, C, ...] with [O, C, *kernel] to [N, O, ...]."""
    rank = len(window.kernel)
    axes = [1, *range(2 + rank, 2 + 2 * rank)]
    sums = np.tensordot(window.views(padded), weight, (axes, [1, *range(2, 2 + rank)]))
    return np.moveaxis(sums, -1, 1)


def _with_bias(result: Array, operands: Operands) -> Array:
    bias = operands.get("bias")
    return result if bias is None else np.asarray(result + along(bias, 1, result.ndim))


def _conv(operands: Operands, attributes: Attributes) -> Array:
    x, weight, groups = operands["input"], operands["weight"], attributes.get("groups", 1)
    window = conv_window(attributes, weight.shape)
    pairs = zip(np.split(window.padded(x, 0.0), groups, 1), np.split(weight, groups, 0), strict=True)
    parts = [_correlate(part, kernel, window) for part, kernel in pairs]
    return _with_bias(np.concatenate(parts, axis=1), operands)


def _conv_transpose(operands: Operands, attributes: Attributes) -> Array:
    """Weight [C, O / groups, *kernel]: zeros between the inputs, then a correlation with the mirrored kernel."""
    x, weight, groups = operands["input"], operands["weight"], attributes.get("groups", 1)
    window = conv_window(attributes, weight.shape)
    spread = _cropped(
        _spread(x, window), window, attributes.get("output_padding") or (0,) * len(window.kernel)
    )
    mirrored = np.flip(weight, tuple(range(2, weight.ndim))).swapaxes(0, 1)
    plain = Window(window.kernel, (1,) * len(window.kernel), window.padding, window.dilations)
    pairs = zip(np.split(spread, groups, 1), np.split(mirrored, groups, 1), strict=True)
    parts = list(starmap(lambda part, kernel: _correlate(part, kernel, plain), pairs))
    return _with_bias(np.concatenate(parts, axis=1), operands)


def _spread(x: Array, window: Window) -> Array:
    """`strides - 1` zeros between neighbours."""
    sizes = [(size - 1) * step + 1 for size, step in zip(x.shape[2:], window.strides, strict=True)]
    result = np.zeros((*x.shape[:2], *sizes), x.dtype)
    last_axes(result, (slice(None, None, step) for step in window.strides))[...] = x
    return result


def _cropped(x: Array, window: Window, output_padding: tuple[int, ...]) -> Array:
    """Padded by what the kernel reaches beyond, less the padding that the result loses."""
    around, inside = [(0, 0), (0, 0)], [slice(None), slice(None)]
    for span, (before, after), more in zip(window.reached(), window.padding, output_padding, strict=True):
        low, high = span - 1 - before, span - 1 - after + more
        around.append((max(low, 0), max(high, 0)))
        inside.append(slice(max(-low, 0), min(high, 0) or None))
    return np.asarray(np.pad(x, around)[tuple(inside)])


def _linear(operands: Operands, _: Attributes) -> Array:
    result = operands["input"] @ operands["weight"].T
    return np.asarray(result + operands["bias"]) if "bias" in operands else np.asarray(result)


KERNELS: dict[str, Kernel] = {
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "linear": _linear,
    "matmul": lambda operands, _: np.matmul(operands["input"], operands["other"]),
    "embedding": lambda operands, _: operands["weight"][operands["indices"]],
}
