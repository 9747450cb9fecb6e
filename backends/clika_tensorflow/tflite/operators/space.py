"""Pools, resizing, and channels turned into space."""

from __future__ import annotations

from typing import Any

from clika_tensorflow.tflite.operators.layer import Layer, Writer
from clika_tensorflow.tflite.operators.windows import check_whole_windows, padded

_LOWEST = -3.4028234663852886e38


def _adaptive_pool(layer: Layer) -> None:
    """A mean over all of space, or over windows of one size."""
    layer.needs_channels_last()
    wanted = layer.attribute("output_size")
    if all(size == 1 for size in wanted):
        axes = range(1, 1 + len(wanted))
        operands = [layer.operand("input"), layer.numbers("axes", axes)]
        layer.write("MEAN", operands, "ReducerOptions", keepDims=bool(layer.attribute("keep_dims", True)))
        return
    given = layer.values["input"].example_shape[1:-1]
    if len(wanted) != 2 or any(have % want for have, want in zip(given, wanted, strict=True)):
        raise layer.refusal(f"a pool from {given} to {wanted}", "sizes that divide those of the input")
    steps = tuple(have // want for have, want in zip(given, wanted, strict=True))
    _averaged(layer, layer.operand("input"), padding=1, **_window(steps, steps))


def _max_pool(layer: Layer) -> None:
    kernel = _kernel(layer)
    data, padding = padded(layer, kernel, _LOWEST)
    layer.write(
        "MAX_POOL_2D", [data], "Pool2DOptions", padding=padding, **_window(kernel, layer.attribute("strides"))
    )


def _avg_pool(layer: Layer) -> None:
    """`SAME` divides by what of a window lies inside the input; zeros put in front are counted."""
    kernel = _kernel(layer)
    divisor = layer.attribute("divisor")
    if divisor is not None:
        raise layer.refusal(f"an average pool that divides by {divisor}", "the size of the window")
    is_padded = any(map(any, layer.attribute("padding") or ()))
    counts = layer.attribute("count_include_pad", True)
    data, padding = padded(layer, kernel)
    if is_padded and counts == (padding == 0):
        raise layer.refusal(
            f"an average pool with padding {layer.attribute('padding')} that counts "
            f"{'it' if counts else 'what lies inside alone'}",
            "padding as `same` gives it, not counted, or any other, counted",
        )
    _averaged(layer, data, padding=padding, **_window(kernel, layer.attribute("strides")))


def _averaged(layer: Layer, data: int, **options: Any) -> None:
    """Of codes by way of reals: the integer kernel has one scale for its input and its result."""
    if layer.spec is None:
        layer.write("AVERAGE_POOL_2D", [data], "Pool2DOptions", **options)
        return
    reals = layer.one("DEQUANTIZE", [data], layer.values["input"], "DequantizeOptions")
    found = layer.one("AVERAGE_POOL_2D", [reals], options="Pool2DOptions", **options)
    layer.write("QUANTIZE", [found], "QuantizeOptions")


def _kernel(layer: Layer) -> tuple[int, ...]:
    layer.needs_channels_last()
    kernel: tuple[int, ...] = tuple(layer.attribute("kernel_size"))
    if len(kernel) != 2 or any(gap != 1 for gap in layer.attribute("dilations") or ()):
        raise layer.refusal(f"a pool over windows {kernel}", "two axes without dilation")
    check_whole_windows(layer, kernel)
    return kernel


def _window(kernel: tuple[int, ...], strides: tuple[int, ...]) -> dict[str, int]:
    return {
        "filterHeight": kernel[0],
        "filterWidth": kernel[1],
        "strideH": strides[0],
        "strideW": strides[1],
    }


def _resize_nearest(layer: Layer) -> None:
    layer.needs_channels_last()
    operands = [layer.operand("input"), layer.numbers("size", layer.attribute("size"))]
    layer.write("RESIZE_NEAREST_NEIGHBOR", operands, "ResizeNearestNeighborOptions")


def _resize(layer: Layer) -> None:
    layer.needs_channels_last()
    if layer.attribute("mode") != "bilinear":
        raise layer.refusal(f"a {layer.attribute('mode')} resize", "a bilinear one")
    corners = bool(layer.attribute("align_corners"))
    operands = [layer.operand("input"), layer.numbers("size", layer.attribute("size"))]
    options = {"alignCorners": corners, "halfPixelCenters": not corners}
    layer.write("RESIZE_BILINEAR", operands, "ResizeBilinearOptions", **options)


def _blocks(kind: str, options: str) -> Writer:
    def write(layer: Layer) -> None:
        layer.needs_channels_last()
        if layer.attribute("order") != "DCR":
            raise layer.refusal("blocks whose place is the fastest axis of the channels", "the slowest (DCR)")
        layer.write(kind, layer.operands("input"), options, blockSize=layer.attribute("factor"))

    return write


WRITERS: dict[str, Writer] = {
    "adaptive_avg_pool": _adaptive_pool,
    "avg_pool": _avg_pool,
    "max_pool": _max_pool,
    "pixel_shuffle": _blocks("DEPTH_TO_SPACE", "DepthToSpaceOptions"),
    "pixel_unshuffle": _blocks("SPACE_TO_DEPTH", "SpaceToDepthOptions"),
    "resize": _resize,
    "resize_nearest": _resize_nearest,
}
