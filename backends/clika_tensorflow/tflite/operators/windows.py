"""Padding of windows that slide: as the format names it, or by a padding of its own in front."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from clika_tensorflow.padding import same_padding
from clika_tensorflow.tflite.operators.layer import Layer, reshaped

SAME: Final = int(schema.Padding.SAME)
VALID: Final = int(schema.Padding.VALID)


def padded(layer: Layer, kernel: Sequence[int], fill: float = 0.0) -> tuple[int, int]:
    """The input and the format's padding; what is neither `SAME` nor `VALID` is padded with `fill` first."""
    pads = tuple(tuple(pair) for pair in layer.attribute("padding") or ())
    tensor = layer.inputs["input"]
    if not any(map(any, pads)):
        return tensor, VALID
    value = layer.values["input"]
    sizes = value.example_shape[1:-1]
    if pads == same_padding(sizes, kernel, layer.attribute("strides"), layer.attribute("dilations")):
        return tensor, SAME
    grown = {axis: sizes[axis - 1] + sum(pair) for axis, pair in enumerate(pads, start=1)}
    params = layer.spec.inputs[0] if layer.spec is not None else None
    operands = [tensor, layer.numbers("pads", [(0, 0), *pads, (0, 0)])]
    if fill:
        least: Any = np.float32(fill) if params is None else np.int8(params.format.quant_min)
        operands.append(layer.constant("fill", least, params))
    kind, options = ("PADV2", "PadV2Options") if fill else ("PAD", "PadOptions")
    return layer.one(kind, operands, reshaped(value, grown), options, params), VALID


def check_whole_windows(layer: Layer, kernel: Sequence[int]) -> None:
    """Raise OutputError where `ceil_mode` adds a window that reaches beyond the padding."""
    space = layer.values["input"].example_shape[1:-1], layer.result.example_shape[1:-1]
    pads = layer.attribute("padding") or ((0, 0),) * len(kernel)
    for given, found, width, step, pair in zip(*space, kernel, layer.attribute("strides"), pads, strict=True):
        if (given + sum(pair) - width) // step + 1 != found:
            raise layer.refusal("windows that reach beyond the padding (ceil_mode)", "whole windows")
