"""Elementwise arithmetic, comparisons, conversions and reductions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from clika_loopback.kernels.kernel import Array, Attributes, Kernel, Operands, operand, unary


def _binary(function: Callable[[Any, Any], Any]) -> Kernel:
    def run(operands: Operands, attributes: Attributes) -> Array:
        pair = (operand(operands, attributes, role) for role in ("input", "other"))
        return np.asarray(function(*pair))

    return run


def _scaled(function: Callable[[Any, Any], Any]) -> Kernel:
    """A sum or difference whose second operand is multiplied by `alpha` first."""

    def run(operands: Operands, attributes: Attributes) -> Array:
        x, other = (operand(operands, attributes, role) for role in ("input", "other"))
        return np.asarray(function(x, other * attributes.get("alpha", 1)))

    return run


def _reduction(function: Callable[..., Any]) -> Kernel:
    """A reduction over the axes given, all where none is."""

    def run(operands: Operands, attributes: Attributes) -> Array:
        x = operands["input"]
        axes = attributes.get("axes", tuple(range(x.ndim)))
        return np.asarray(function(x, axis=tuple(axes), keepdims=attributes.get("keep_dims", False)))

    return run


KERNELS: dict[str, Kernel] = {
    "add": _scaled(lambda a, b: a + b),
    "sub": _scaled(lambda a, b: a - b),
    "mul": _binary(lambda a, b: a * b),
    "div": _binary(lambda a, b: a / b),
    "pow": _binary(lambda a, b: a**b),
    "maximum": _binary(np.maximum),
    "minimum": _binary(np.minimum),
    "eq": _binary(lambda a, b: a == b),
    "ge": _binary(lambda a, b: a >= b),
    "gt": _binary(lambda a, b: a > b),
    "le": _binary(lambda a, b: a <= b),
    "lt": _binary(lambda a, b: a < b),
    "logical_and": _binary(np.logical_and),
    "logical_or": _binary(np.logical_or),
    "logical_not": unary(np.logical_not),
    "abs": unary(np.abs),
    "ceil": unary(np.ceil),
    "cos": unary(np.cos),
    "exp": unary(np.exp),
    "floor": unary(np.floor),
    "log": unary(np.log),
    "neg": unary(np.negative),
    "reciprocal": unary(lambda x: 1 / x),
    "round": unary(np.rint),
    "rsqrt": unary(lambda x: 1 / np.sqrt(x)),
    "sign": unary(np.sign),
    "sin": unary(np.sin),
    "sqrt": unary(np.sqrt),
    "square": unary(np.square),
    "cast": lambda operands, attributes: operands["input"].astype(attributes["dtype"]),
    "mean": _reduction(np.mean),
    "sum": _reduction(np.sum),
    "prod": _reduction(np.prod),
}
