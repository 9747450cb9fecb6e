"""Elementwise arithmetic, comparisons, reductions and conversions."""

from __future__ import annotations

from typing import Final

import numpy as np

from clika_tensorflow.tflite.builder import tensor_type
from clika_tensorflow.tflite.operators.layer import Layer, Writer

_BINARY: Final = {
    "add": ("ADD", "AddOptions"),
    "mul": ("MUL", "MulOptions"),
    "sub": ("SUB", "SubOptions"),
    "div": ("DIV", "DivOptions"),
}
_PLAIN_BINARY: Final = {
    "maximum": "MAXIMUM",
    "minimum": "MINIMUM",
    "pow": "POW",
    "squared_difference": "SQUARED_DIFFERENCE",
    "floor_divide": "FLOOR_DIV",
    "remainder": "FLOOR_MOD",
    "eq": "EQUAL",
    "ne": "NOT_EQUAL",
    "gt": "GREATER",
    "ge": "GREATER_EQUAL",
    "lt": "LESS",
    "le": "LESS_EQUAL",
    "logical_and": "LOGICAL_AND",
    "logical_or": "LOGICAL_OR",
}
_UNARY: Final = {
    name: name.upper()
    for name in "abs ceil cos exp floor log logical_not neg round rsqrt sign sin sqrt square".split()
}
_REDUCTIONS: Final = {
    "mean": "MEAN",
    "sum": "SUM",
    "prod": "REDUCE_PROD",
    "reduce_max": "REDUCE_MAX",
    "reduce_min": "REDUCE_MIN",
    "all": "REDUCE_ALL",
    "any": "REDUCE_ANY",
}


def _binary(kind: str, options: str) -> Writer:
    def write(layer: Layer) -> None:
        first, second = layer.operands()
        alpha = layer.attribute("alpha", 1)
        if alpha != 1:
            factor = layer.constant("alpha", np.float32(alpha))
            second = layer.one("MUL", [second, factor], layer.values.get("other"), "MulOptions")
        layer.write(kind, [first, second], options, fusedActivationFunction=layer.activation)

    return write


def _plain(kind: str, *roles: str) -> Writer:
    return lambda layer: layer.write(kind, layer.operands(*roles))


def _reduction(kind: str) -> Writer:
    def write(layer: Layer) -> None:
        operands = [layer.operand("input"), layer.numbers("axes", layer.attribute("axes"))]
        layer.write(kind, operands, "ReducerOptions", keepDims=bool(layer.attribute("keep_dims", False)))

    return write


def _position(kind: str) -> Writer:
    """The index of an extreme along one axis."""

    def write(layer: Layer) -> None:
        axes = layer.attribute("axes")
        if len(axes) != 1 or layer.attribute("keep_dims", False):
            raise layer.refusal(f"an index over axes {axes}, kept", "one axis that goes away")
        operands = [layer.operand("input"), layer.numbers("axis", axes[0])]
        options = f"{'ArgMax' if kind == 'ARG_MAX' else 'ArgMin'}Options"
        layer.write(kind, operands, options, outputType=tensor_type(layer.result.dtype))

    return write


def _cast(layer: Layer) -> None:
    types = {
        "inDataType": tensor_type(layer.values["input"].dtype),
        "outDataType": tensor_type(layer.result.dtype),
    }
    layer.write("CAST", layer.operands("input"), "CastOptions", **types)


def _reciprocal(layer: Layer) -> None:
    layer.write("DIV", [layer.constant("one", np.float32(1)), layer.operand("input")], "DivOptions")


def _expm1(layer: Layer) -> None:
    raised = layer.one("EXP", layer.operands("input"))
    layer.write("SUB", [raised, layer.constant("one", np.float32(1))], "SubOptions")


def _log1p(layer: Layer) -> None:
    one = layer.constant("one", np.float32(1))
    layer.write("LOG", [layer.one("ADD", [layer.operand("input"), one], options="AddOptions")])


def _one_hot(layer: Layer) -> None:
    depth = layer.numbers("depth", layer.attribute("num_classes"))
    on, off = (
        layer.constant(name, np.asarray(value, layer.result.dtype)) for name, value in (("on", 1), ("off", 0))
    )
    layer.write("ONE_HOT", [layer.operand("input"), depth, on, off], "OneHotOptions", axis=-1)


WRITERS: dict[str, Writer] = {
    **{name: _binary(kind, options) for name, (kind, options) in _BINARY.items()},
    **{name: _plain(kind, "input", "other") for name, kind in _PLAIN_BINARY.items()},
    **{name: _plain(kind, "input") for name, kind in _UNARY.items()},
    **{name: _reduction(kind) for name, kind in _REDUCTIONS.items()},
    "argmax": _position("ARG_MAX"),
    "argmin": _position("ARG_MIN"),
    "cast": _cast,
    "expm1": _expm1,
    "log1p": _log1p,
    "one_hot": _one_hot,
    "reciprocal": _reciprocal,
    "where": _plain("SELECT_V2", "condition", "input", "other"),
}
