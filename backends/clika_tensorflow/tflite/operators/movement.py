"""Operators that move or select values, and join them."""

from __future__ import annotations

import numpy as np

from clika_tensorflow.tflite.operators.layer import Layer, Writer


def _reshape(layer: Layer) -> None:
    shape = [size if isinstance(size, int) else -1 for size in layer.result.shape]
    if shape.count(-1) > 1:
        raise layer.refusal(f"a shape with {shape.count(-1)} free sizes", "one")
    operands = [layer.operand("input"), layer.numbers("shape", shape)]
    layer.write("RESHAPE", operands, "ReshapeOptions", newShape=shape)


def _permute(layer: Layer) -> None:
    operands = [layer.operand("input"), layer.numbers("axes", layer.attribute("axes"))]
    layer.write("TRANSPOSE", operands, "TransposeOptions")


def _pad(layer: Layer) -> None:
    mode, value = layer.attribute("mode", "constant"), layer.attribute("value", 0)
    operands = [layer.operand("input"), layer.numbers("pads", layer.attribute("pads"))]
    if mode in ("reflect", "symmetric"):
        layer.write("MIRROR_PAD", operands, "MirrorPadOptions", mode=int(mode == "symmetric"))
    elif mode == "constant" and not value:
        layer.write("PAD", operands, "PadOptions")
    elif mode == "constant" and layer.spec is None:
        filling = layer.constant("filling", np.asarray(value, layer.result.dtype))
        layer.write("PADV2", [*operands, filling], "PadV2Options")
    else:
        raise layer.refusal(
            f"padding of mode {mode} with {value}", "zeros, or the values at the edge mirrored"
        )


def _concat(layer: Layer) -> None:
    layer.write(
        "CONCATENATION",
        layer.operands(*_numbered(layer)),
        "ConcatenationOptions",
        axis=layer.attribute("axis", 0),
    )


def _stack(layer: Layer) -> None:
    roles = _numbered(layer)
    options = {"axis": layer.attribute("axis", 0), "valuesCount": len(roles)}
    layer.write("PACK", layer.operands(*roles), "PackOptions", **options)


def _numbered(layer: Layer) -> list[str]:
    return [f"inputs.{i}" for i in range(len(layer.inputs) + len(layer.arrays))]


def _slice(layer: Layer) -> None:
    start, end, step = (layer.attribute(name) for name in ("start", "end", "step"))
    _strided(layer, start or 0, end, step or 1, is_one=False)


def _select(layer: Layer) -> None:
    index = layer.attribute("index")
    _strided(layer, index, index + 1 if index != -1 else None, 1, is_one=True)


def _strided(layer: Layer, start: int, end: int | None, step: int, *, is_one: bool) -> None:
    """Along one axis from `start` to `end`, all of the others."""
    rank, axis = len(layer.values["input"].shape), layer.attribute("axis", 0)
    others = ((1 << rank) - 1) & ~(1 << axis)
    numbers = []
    for stem, value, neutral in (("begin", start, 0), ("end", end or 0, 0), ("strides", step, 1)):
        full = [neutral] * rank
        full[axis] = min(value, np.iinfo(np.int32).max)
        numbers.append(layer.numbers(stem, full))
    layer.write(
        "STRIDED_SLICE",
        [layer.operand("input"), *numbers],
        "StridedSliceOptions",
        beginMask=others,
        endMask=others | (0 if end is not None else 1 << axis),
        shrinkAxisMask=1 << axis if is_one else 0,
    )


def _split(layer: Layer) -> None:
    axis = layer.attribute("axis", 0)
    sizes = [value.example_shape[axis] for value in layer.node.outputs]
    operands = [layer.operand("input"), layer.numbers("sizes", sizes), layer.numbers("axis", axis)]
    layer.write("SPLIT_V", operands, "SplitVOptions", numSplits=len(sizes))


def _unbind(layer: Layer) -> None:
    options = {"axis": layer.attribute("axis", 0), "num": len(layer.outputs)}
    layer.write("UNPACK", layer.operands("input"), "UnpackOptions", **options)


def _gather(layer: Layer) -> None:
    layer.write(
        "GATHER", layer.operands("input", "indices"), "GatherOptions", axis=layer.attribute("axis", 0)
    )


def _flip(layer: Layer) -> None:
    layer.write("REVERSE_V2", [layer.operand("input"), layer.numbers("axes", layer.attribute("axes"))])


def _repeat(layer: Layer) -> None:
    _tile(layer, layer.attribute("repeats"))


def _expand(layer: Layer) -> None:
    """As repetitions, which are constants also where the batch is free."""
    wanted = layer.result.shape
    value = layer.values.get("input")
    given = value.shape if value is not None else layer.arrays["input"].shape
    if len(given) != len(wanted):
        raise layer.refusal("an expansion that adds axes", "one that keeps them")
    _tile(layer, [1 if have == want else want for have, want in zip(given, wanted, strict=True)])


def _tile(layer: Layer, repeats: object) -> None:
    counts = list(repeats)  # type: ignore[call-overload]
    if not all(isinstance(count, int) for count in counts) or len(counts) != len(layer.result.shape):
        raise layer.refusal(f"repetitions {tuple(counts)}", "fixed ones, one for each axis")
    layer.write("TILE", [layer.operand("input"), layer.numbers("repeats", counts)], "TileOptions")


WRITERS: dict[str, Writer] = {
    **dict.fromkeys(("reshape", "flatten", "squeeze", "unsqueeze"), _reshape),
    "concat": _concat,
    "expand": _expand,
    "flip": _flip,
    "gather": _gather,
    "pad": _pad,
    "permute": _permute,
    "repeat": _repeat,
    "select": _select,
    "slice": _slice,
    "split": _split,
    "stack": _stack,
    "unbind": _unbind,
}
