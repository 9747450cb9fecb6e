"""Linear interpolation of images in the order of onnxruntime's kernel: four neighbours times their weights.

    y = ((x11 · w11 + x12 · w12) + x21 · w21) + x22 · w22        each product and each sum rounded to float32
    w11 = dx2 · dy2, ...        x11, x12: the upper row of the two that are read; dy2: how far the lower one is

Frameworks interpolate along one axis and then along the other. Twice as large an image of codes lies on a tie of them
every sixteenth time, so that another order of rounding turns one code in a thousand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Array, ArrayOps
from clika_core.ir.graph import Node

LINEAR = ("linear", "bilinear")


@dataclass(frozen=True)
class Neighbours:
    """Along one axis: the two places [want] that each result reads, and what each counts."""

    places: tuple[NDArray[np.int64], NDArray[np.int64]]
    weights: tuple[NDArray[np.float32], NDArray[np.float32]]


def neighbours(have: int, want: int, scale: float, *, is_aligned: bool) -> Neighbours:
    """As onnxruntime finds them, in float32: of centres of pixels, or (`is_aligned`) of corners."""
    result = np.arange(want, dtype=np.float32)
    if is_aligned:
        found = result * np.float32(have - 1) / np.float32(max(want - 1, 1))
    else:
        found = (result + np.float32(0.5)) / np.float32(scale) - np.float32(0.5)
    place = np.clip(found, np.float32(0), np.float32(have - 1)).astype(np.float32)
    first = np.minimum(place.astype(np.int64), have - 1)
    second = np.minimum(first + 1, have - 1)
    near, far = (
        np.where(first == second, np.float32(0.5), np.abs(place - other.astype(np.float32)))
        for other in (second, first)
    )
    return Neighbours((first, second), (near.astype(np.float32), far.astype(np.float32)))


def interpolated(node: Node, x: Array, arrays: ArrayOps) -> Array:
    """The node's result for `x`, [N, C, H, W] or with the channels last."""
    vertical, horizontal = axes = _axes(node)
    have = [x.shape[axis] for axis in axes]
    rows, columns = (
        neighbours(size, want, scale, is_aligned=bool(node.attributes.get("align_corners")))
        for size, want, scale in zip(have, _sizes(node), _scales(node, have), strict=True)
    )
    total = arrays.from_numpy(np.zeros((), np.float32), x)
    for places, high in zip(rows.places, rows.weights, strict=True):
        read = arrays.take(x, places, vertical)
        for across, wide in zip(columns.places, columns.weights, strict=True):
            weight = (wide[None, :] * high[:, None]).reshape(
                [*high.shape, *wide.shape, *[1] * (3 - horizontal)]
            )
            given = arrays.take(read, across, horizontal)
            total = arrays.multiply_then_add(given, arrays.from_numpy(weight, x), total)
    return total


def has_order(node: Node) -> bool:
    """Whether a layer that resizes is one of these: of float32 images, to a known size."""
    (value,), sizes = node.outputs, node.attributes.get("size")
    is_image = value.dtype == "float32" and len(value.shape) == 4 and len(node.inputs) == 1
    is_known = isinstance(sizes, tuple) and len(sizes) == 2 and all(isinstance(size, int) for size in sizes)
    return is_image and is_known and node.attributes.get("mode") in LINEAR


def _axes(node: Node) -> tuple[int, int]:
    return (1, 2) if node.attributes.get("channel_axis", 1) in (3, -1) else (2, 3)


def _sizes(node: Node) -> Sequence[int]:
    sizes = node.attributes["size"]
    assert isinstance(sizes, tuple)
    return [int(size) for size in sizes]  # type: ignore[arg-type]


def _scales(node: Node, have: Sequence[int]) -> Sequence[float]:
    """Factors that are given and broken set the places; others are those of the sizes."""
    given = node.attributes.get("scales") or ()
    assert isinstance(given, tuple)
    scales = [float(scale) for scale in given]  # type: ignore[arg-type]
    if any(scale != int(scale) for scale in scales):
        return scales
    return [float(np.float32(want) / np.float32(size)) for want, size in zip(_sizes(node), have, strict=True)]
