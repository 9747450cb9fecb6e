"""Resizing, sampling, and pools whose windows are not all of one size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clika_core.deployment.lowerings.context import LoweringContext

_MODES = {"linear": "linear", "bilinear": "linear", "trilinear": "linear", "bicubic": "cubic"}
_SAMPLING = ("linear", "nearest", "cubic")  # in the order of torch's numbers
_PADDING = ("zeros", "border", "reflection")


def target_size(context: LoweringContext) -> dict[str, str]:
    """The operand that says how large the result is: factors where they are whole, or given and broken, else sizes.

    A broken factor sets the positions that are read, which its rounded size would not. All axes are given, those that
    stay too: onnxruntime 1.32 may turn the axes around a Resize that lists some, and then cannot load what it made.
    """
    size, shape = context.attribute("size"), context.value().shape
    staying = len(shape) - len(size)
    factors = _whole_factors(context) or _free_factors(context)
    if factors is None and _is_broken(context):
        factors = [1.0] * staying + [float(scale) for scale in context.attribute("scales")]
    if factors is None:
        return {"sizes": context.sizes((*shape[:staying], *size))}
    return {"scales": context.constant(np.asarray(factors, np.float32), "scales")}


def _free_factors(context: LoweringContext) -> list[float] | None:
    """The factors that are given, 1 for axes that stay, where the size that grows is free."""
    size, given = context.attribute("size"), context.attribute("scales")
    if not given or all(isinstance(one, int) for one in size):
        return None
    return [1.0] * (len(context.value().shape) - len(size)) + [float(scale) for scale in given]


def _is_broken(context: LoweringContext) -> bool:
    """Whether a factor is given that is no whole number."""
    return any(float(scale) != int(scale) for scale in context.attribute("scales") or ())


def _whole_factors(context: LoweringContext) -> list[float] | None:
    """By how much every axis grows, 1 for those that stay; None unless these are whole numbers."""
    count = len(context.attribute("size"))
    pairs = zip(context.input_value().shape[-count:], context.value().shape[-count:], strict=True)
    sizes = [(have, want) for have, want in pairs if isinstance(have, int) and isinstance(want, int)]
    if _is_broken(context) or len(sizes) < count or any(have == 0 or want % have for have, want in sizes):
        return None
    return [1.0] * (len(context.value().shape) - count) + [float(want // have) for have, want in sizes]


def _resize(context: LoweringContext) -> Sequence[str]:
    """Between pixels' centres, or (`align_corners`) between the centres of the corners."""
    target = target_size(context)
    corners = bool(context.attribute("align_corners"))
    return context.op(
        "Resize",
        [
            context.operand("input"),
            "",
            target.get("scales", ""),
            *([target["sizes"]] if "sizes" in target else []),
        ],
        mode=_MODES[context.attribute("mode")],
        cubic_coeff_a=-0.75,
        coordinate_transformation_mode="align_corners" if corners else "half_pixel",
    )


def _grid_sample(context: LoweringContext) -> Sequence[str]:
    return context.op(
        "GridSample",
        [context.operand("input"), context.operand("grid")],
        mode=_SAMPLING[context.attribute("interpolation_mode", 0)],
        padding_mode=_PADDING[context.attribute("padding_mode", 0)],
        align_corners=int(bool(context.attribute("align_corners"))),
    )


def refuse_free_sizes(context: LoweringContext, count: int) -> None:
    """Raise OutputError where the last `count` axes of the input have no fixed size: windows follow from sizes."""
    sizes = context.input_value().shape[-count:]
    if not all(isinstance(size, int) for size in sizes):
        raise context.refusal(
            f"adaptive pooling from {sizes} to {context.attribute('output_size')}",
            "fixed sizes, or an output size of 1",
        )


def averaging(have: int, want: int) -> NDArray[np.float32]:
    """[have, want]: column i averages the inputs from floor(i · have / want) to ceil((i + 1) · have / want)."""
    matrix = np.zeros((have, want), np.float32)
    for i in range(want):
        first, last = i * have // want, -(-(i + 1) * have // want)
        matrix[first:last, i] = 1 / (last - first)
    return matrix


def uneven_pool(context: LoweringContext, given: Sequence[int], wanted: Sequence[int]) -> Sequence[str]:
    """An adaptive average over windows of different sizes: a product with a matrix along each axis in turn."""
    x, rank = context.operand("input"), len(context.value().shape)
    for offset, (have, want) in enumerate(zip(reversed(given), reversed(wanted), strict=True)):
        axis = rank - 1 - offset
        order = [*(i for i in range(rank) if i != axis), axis]
        matrix = context.constant(averaging(have, want), f"axis_{axis}")
        if axis == rank - 1:
            x = context.one("MatMul", x, matrix)
        else:
            turned = context.one("MatMul", context.one("Transpose", x, perm=order), matrix)
            x = context.one("Transpose", turned, perm=[int(i) for i in np.argsort(order)])
    return [x]


LOWERINGS = {"resize": _resize, "grid_sample": _grid_sample}
