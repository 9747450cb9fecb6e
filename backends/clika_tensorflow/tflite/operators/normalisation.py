"""Norms in float, put together of means and arithmetic; their statistics are constants, or computed."""

from __future__ import annotations

import numpy as np

from clika_tensorflow.tflite.operators.layer import Layer, Writer, reshaped


def _batch_norm(layer: Layer) -> None:
    """x · scale + shift along the channels, both worked out here in float64."""
    axis, rank = layer.attribute("axis", 1), len(layer.result.shape)
    wide = {role: array.astype(np.float64) for role, array in layer.arrays.items()}
    scale = wide.get("weight", 1.0) / np.sqrt(wide["running_var"] + layer.attribute("epsilon", 1e-5))
    shift = wide.get("bias", 0.0) - wide["running_mean"] * scale
    shape = [1] * rank
    shape[axis] = -1
    factor, summand = (
        layer.constant(name, array.reshape(shape).astype(np.float32))
        for name, array in (("scale", scale), ("shift", shift))
    )
    scaled = layer.one("MUL", [layer.operand("input"), factor], options="MulOptions")
    layer.write("ADD", [scaled, summand], "AddOptions")


def _layer_norm(layer: Layer) -> None:
    """(x - mean) / sqrt(variance + epsilon), both over the layer's axes. Ba et al. 2016, arXiv:1607.06450."""
    axes, x = _axes(layer), layer.operand("input")
    centred = layer.one("SUB", [x, _mean(layer, x, axes)], options="SubOptions")
    _scaled(layer, centred, centred, axes)


def _rms_norm(layer: Layer) -> None:
    """x / sqrt(mean(x²) + epsilon). Zhang and Sennrich 2019, arXiv:1910.07467."""
    x = layer.operand("input")
    _scaled(layer, x, x, _axes(layer))


def _scaled(layer: Layer, x: int, of: int, axes: tuple[int, ...]) -> None:
    """x / sqrt(mean(of²) + epsilon) · weight + bias, as the layer's result."""
    small = reshaped(layer.result, dict.fromkeys(axes, 1))
    epsilon = layer.constant("epsilon", np.float32(layer.attribute("epsilon", 1e-5)))
    square = _mean(layer, layer.one("MUL", [of, of], options="MulOptions"), axes)
    divisor = layer.one("RSQRT", [layer.one("ADD", [square, epsilon], small, "AddOptions")], small)
    steps = [("MUL", "MulOptions", divisor)]
    for kind, role in (("MUL", "weight"), ("ADD", "bias")):
        if role in layer.arrays:
            steps.append((kind, f"{kind.title()}Options", layer.constant(role, layer.arrays[role])))
    for kind, options, operand in steps[:-1]:
        x = layer.one(kind, [x, operand], options=options)
    kind, options, operand = steps[-1]
    layer.write(kind, [x, operand], options)


def _mean(layer: Layer, x: int, axes: tuple[int, ...]) -> int:
    value = reshaped(layer.result, dict.fromkeys(axes, 1))
    return layer.one("MEAN", [x, layer.numbers("axes", axes)], value, "ReducerOptions", keepDims=True)


def _axes(layer: Layer) -> tuple[int, ...]:
    rank = len(layer.result.shape)
    return tuple(axis % rank for axis in layer.attribute("axes", (-1,)))


WRITERS: dict[str, Writer] = {"batch_norm": _batch_norm, "layer_norm": _layer_norm, "rms_norm": _rms_norm}
