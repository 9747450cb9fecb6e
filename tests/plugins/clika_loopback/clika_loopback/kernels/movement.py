"""Operations that move or select values."""

from __future__ import annotations

from typing import Any

import numpy as np

from clika_loopback.kernels.kernel import Array, Attributes, Kernel, Operands, operand, unary

_PAD_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def _reshape(operands: Operands, attributes: Attributes) -> Array:
    return operands["input"].reshape(attributes["shape"])


def _flatten(operands: Operands, attributes: Attributes) -> Array:
    shape = operands["input"].shape
    start = attributes.get("start_axis", 1) % len(shape)
    end = attributes.get("end_axis", -1) % len(shape)
    size = int(np.prod(shape[start : end + 1]))
    return operands["input"].reshape(*shape[:start], size, *shape[end + 1 :])


def _squeeze(operands: Operands, attributes: Attributes) -> Array:
    return operands["input"].squeeze(tuple(attributes["axes"]))


def _unsqueeze(operands: Operands, attributes: Attributes) -> Array:
    return np.expand_dims(operands["input"], tuple(attributes["axes"]))


def _expand(operands: Operands, attributes: Attributes) -> Array:
    """To a shape of the same rank; -1 keeps a size."""
    x = operands["input"]
    shape = [have if want == -1 else want for have, want in zip(x.shape, attributes["shape"], strict=True)]
    return np.broadcast_to(x, shape).copy()


def _concat(operands: Operands, attributes: Attributes) -> Array:
    parts = [operands[f"inputs.{position}"] for position in range(len(operands))]
    return np.concatenate(parts, axis=attributes.get("axis", 0))


def _stack(operands: Operands, attributes: Attributes) -> Array:
    parts = [operands[f"inputs.{position}"] for position in range(len(operands))]
    return np.stack(parts, axis=attributes.get("axis", 0))


def _along_axis(x: Array, axis: int, chosen: Any) -> Array:
    index: list[Any] = [slice(None)] * x.ndim
    index[axis] = chosen
    return np.asarray(x[tuple(index)])


def _slice(operands: Operands, attributes: Attributes) -> Array:
    chosen = slice(attributes.get("start"), attributes.get("end"), attributes.get("step"))
    return _along_axis(operands["input"], attributes.get("axis", 0), chosen)


def _select(operands: Operands, attributes: Attributes) -> Array:
    return _along_axis(operands["input"], attributes.get("axis", 0), attributes["index"])


def _split(operands: Operands, attributes: Attributes) -> tuple[Array, ...]:
    ends = np.cumsum(attributes["sizes"])[:-1]
    return tuple(np.split(operands["input"], ends, axis=attributes.get("axis", 0)))


def _unbind(operands: Operands, attributes: Attributes) -> tuple[Array, ...]:
    axis = attributes.get("axis", 0)
    count = operands["input"].shape[axis]
    return tuple(np.take(operands["input"], position, axis=axis) for position in range(count))


def _gather(operands: Operands, attributes: Attributes) -> Array:
    return np.take(operands["input"], operands["indices"], axis=attributes.get("axis", 0))


def _pad(operands: Operands, attributes: Attributes) -> Array:
    mode = attributes.get("mode", "constant")
    value = {"constant_values": attributes.get("value", 0)} if mode == "constant" else {}
    return np.asarray(np.pad(operands["input"], attributes["pads"], _PAD_MODES[mode], **value))  # type: ignore[call-overload]


def _pixel_shuffle(operands: Operands, attributes: Attributes) -> Array:
    """[N, C·r², H, W] to [N, C, H·r, W·r] (Shi et al. 2016, section 2.2)."""
    x, r = operands["input"], attributes["factor"]
    n, channels, height, width = x.shape
    parts = x.reshape(n, channels // r**2, r, r, height, width).transpose(0, 1, 4, 2, 5, 3)
    return parts.reshape(n, channels // r**2, height * r, width * r)


def _pixel_unshuffle(operands: Operands, attributes: Attributes) -> Array:
    """The inverse of `_pixel_shuffle`."""
    x, r = operands["input"], attributes["factor"]
    n, channels, height, width = x.shape
    parts = x.reshape(n, channels, height // r, r, width // r, r).transpose(0, 1, 3, 5, 2, 4)
    return parts.reshape(n, channels * r**2, height // r, width // r)


def _channel_shuffle(operands: Operands, attributes: Attributes) -> Array:
    x, groups = operands["input"], attributes["groups"]
    n, channels, *rest = x.shape
    return x.reshape(n, groups, channels // groups, *rest).swapaxes(1, 2).reshape(x.shape)


def _resize_nearest(operands: Operands, attributes: Attributes) -> Array:
    """To `size`, each position taking the one it falls on: floor(i · have / want)."""
    x = operands["input"]
    first = x.ndim - len(attributes["size"])
    for axis, want in enumerate(attributes["size"], first):
        x = np.take(x, np.arange(want) * x.shape[axis] // want, axis=axis)
    return x


def _where(operands: Operands, attributes: Attributes) -> Array:
    pair = (operand(operands, attributes, role) for role in ("input", "other"))
    return np.asarray(np.where(operands["condition"], *pair))


KERNELS: dict[str, Kernel] = {
    "identity": unary(lambda x: x),
    "dropout": unary(lambda x: x),
    "reshape": _reshape,
    "flatten": _flatten,
    "squeeze": _squeeze,
    "unsqueeze": _unsqueeze,
    "expand": _expand,
    "permute": lambda operands, attributes: operands["input"].transpose(attributes["axes"]),
    "repeat": lambda operands, attributes: np.tile(operands["input"], attributes["repeats"]),
    "flip": lambda operands, attributes: np.flip(operands["input"], attributes["axes"]),
    "concat": _concat,
    "stack": _stack,
    "slice": _slice,
    "select": _select,
    "split": _split,
    "unbind": _unbind,
    "gather": _gather,
    "pad": _pad,
    "pixel_shuffle": _pixel_shuffle,
    "pixel_unshuffle": _pixel_unshuffle,
    "channel_shuffle": _channel_shuffle,
    "resize_nearest": _resize_nearest,
    "where": _where,
}
