"""Activation functions."""

from __future__ import annotations

from collections.abc import Callable
from math import erf, pi, sqrt
from typing import Any

import numpy as np

from clika_loopback.kernels.kernel import Array, Attributes, Kernel, Operands, operand, unary

_erf = np.vectorize(erf, otypes=[np.float64])


def _sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow on either side."""
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1 / (1 + small), small / (1 + small)))


def _softplus(x: Array) -> Array:
    return np.asarray(np.logaddexp(x, 0))


def _with(name: str, default: float, function: Callable[[Array, float], Any]) -> Kernel:
    """A function of the input and one number."""

    def run(operands: Operands, attributes: Attributes) -> Array:
        x = operands["input"]
        return np.asarray(function(x, attributes.get(name, default))).astype(x.dtype)

    return run


def _elu(x: Array, alpha: float) -> Array:
    return np.asarray(np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))))


def _celu(x: Array, alpha: float) -> Array:
    return np.asarray(np.maximum(x, 0) + np.minimum(alpha * np.expm1(np.minimum(x, 0) / alpha), 0))


def _selu(x: Array) -> Array:
    scale, alpha = 1.0507009873554805, 1.6732632423543772  # Klambauer et al. 2017, section 2
    return scale * _elu(x, alpha)


def _gelu(operands: Operands, attributes: Attributes) -> Array:
    """x · Phi(x), or its approximation by tanh (Hendrycks & Gimpel 2016, section 2)."""
    x = operands["input"].astype(np.float64)
    if attributes.get("approximate", "none") == "tanh":
        result = 0.5 * x * (1 + np.tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))
    else:
        result = 0.5 * x * (1 + _erf(x / sqrt(2)))
    return np.asarray(result).astype(operands["input"].dtype)


def _clamp(operands: Operands, attributes: Attributes) -> Array:
    given = [
        operand(operands, attributes, role) if role in operands or role in attributes else None
        for role in ("min", "max")
    ]
    return np.asarray(np.clip(operands["input"], *given))


def _softmax(operands: Operands, attributes: Attributes) -> Array:
    x, axis = operands["input"], attributes.get("axis", -1)
    powers = np.exp(x - x.max(axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis, keepdims=True))


def _log_softmax(operands: Operands, attributes: Attributes) -> Array:
    x, axis = operands["input"], attributes.get("axis", -1)
    shifted = x - x.max(axis, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis, keepdims=True)))


def _hard_sigmoid(x: Array) -> Array:
    return np.asarray(np.clip(x / 6 + 0.5, 0, 1))


KERNELS: dict[str, Kernel] = {
    "relu": unary(lambda x: np.maximum(x, 0)),
    "relu6": unary(lambda x: np.clip(x, 0, 6)),
    "clamp": _clamp,
    "sigmoid": unary(_sigmoid),
    "tanh": unary(np.tanh),
    "erf": unary(_erf),
    "softplus": _with("beta", 1.0, lambda x, beta: _softplus(beta * x) / beta),
    "softsign": unary(lambda x: x / (1 + np.abs(x))),
    "mish": unary(lambda x: x * np.tanh(_softplus(x))),
    "silu": unary(lambda x: x * _sigmoid(x)),
    "hard_sigmoid": unary(_hard_sigmoid),
    "hard_swish": unary(lambda x: x * _hard_sigmoid(x)),
    "leaky_relu": _with("negative_slope", 0.01, lambda x, slope: np.where(x >= 0, x, slope * x)),
    "elu": _with("alpha", 1.0, _elu),
    "celu": _with("alpha", 1.0, _celu),
    "selu": unary(_selu),
    "gelu": _gelu,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
}
