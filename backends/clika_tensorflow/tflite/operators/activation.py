"""Activation functions; those that the format has no operator for are put together of others."""

from __future__ import annotations

from typing import Any

import numpy as np

from clika_tensorflow.tflite.operators.layer import Layer, Writer

_RELU6 = 3  # as the format numbers activations that are fused
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def _plain(kind: str, options: str = "", **attributes: Any) -> Writer:
    return lambda layer: layer.write(kind, layer.operands("input"), options, **attributes)


def _number(layer: Layer, stem: str, value: float) -> int:
    return layer.constant(stem, np.float32(value))


def _softmax(kind: str, options: str, **attributes: Any) -> Writer:
    def write(layer: Layer) -> None:
        if layer.attribute("axis", -1) not in (-1, len(layer.result.shape) - 1):
            raise layer.refusal(f"a {layer.node.type} over axis {layer.attribute('axis')}", "the last axis")
        layer.write(kind, layer.operands("input"), options, **attributes)

    return write


def _gelu(layer: Layer) -> None:
    is_rough = layer.attribute("approximate", "none") == "tanh"
    layer.write("GELU", layer.operands("input"), "GeluOptions", approximate=is_rough)


def _silu(layer: Layer) -> None:
    """As x · sigmoid(x), the sigmoid with the parameters that its kernel demands."""
    x, gate = layer.operand("input"), layer.spec.gate if layer.spec is not None else None
    layer.write("MUL", [x, layer.one("LOGISTIC", [x], params=gate)], "MulOptions")


def _hard_sigmoid(layer: Layer) -> None:
    """relu6(x + 3) / 6."""
    operands = [layer.operand("input"), _number(layer, "three", 3)]
    clamped = layer.one("ADD", operands, options="AddOptions", fusedActivationFunction=_RELU6)
    layer.write("MUL", [clamped, _number(layer, "sixth", 1 / 6)], "MulOptions")


def _leaky_relu(layer: Layer) -> None:
    slope = float(layer.attribute("negative_slope", 0.01))
    layer.write("LEAKY_RELU", layer.operands("input"), "LeakyReluOptions", alpha=slope)


def _clamp(layer: Layer) -> None:
    """Bounds that are numbers, or none."""
    tensor = layer.operand("input")
    kinds = [
        (kind, role)
        for kind, role in (("MAXIMUM", "min"), ("MINIMUM", "max"))
        if layer.attribute(role) is not None
    ]
    for kind, role in kinds[:-1]:
        tensor = layer.one(kind, [tensor, layer.operand(role)])
    if not kinds:
        raise layer.refusal("a clamp without bounds", "a lower bound, an upper bound, or both")
    layer.write(kinds[-1][0], [tensor, layer.operand(kinds[-1][1])])


def _elu(layer: Layer) -> None:
    if layer.attribute("alpha", 1) != 1:
        raise layer.refusal(f"an elu with alpha {layer.attribute('alpha')}", "alpha 1")
    layer.write("ELU", layer.operands("input"))


def _selu(layer: Layer) -> None:
    """scale · (max(x, 0) + alpha · (exp(min(x, 0)) - 1)). Klambauer et al. 2017, arXiv:1706.02515, equation 2."""
    x = layer.operand("input")
    below = layer.one("ELU", [layer.one("MINIMUM", [x, _number(layer, "zero", 0)])])
    bent = layer.one("MUL", [below, _number(layer, "alpha", SELU_ALPHA)], options="MulOptions")
    both = layer.one("ADD", [layer.one("RELU", [x]), bent], options="AddOptions")
    layer.write("MUL", [both, _number(layer, "scale", SELU_SCALE)], "MulOptions")


def _softplus_of(layer: Layer, x: int) -> list[int]:
    """The summands max(x, 0) and log(1 + exp(-|x|)), which never overflow."""
    raised = layer.one("EXP", [layer.one("NEG", [layer.one("ABS", [x])])])
    above = layer.one("ADD", [raised, _number(layer, "one", 1)], options="AddOptions")
    return [layer.one("RELU", [x]), layer.one("LOG", [above])]


def _softplus(layer: Layer) -> None:
    if layer.attribute("beta", 1) != 1:
        raise layer.refusal(f"a softplus with beta {layer.attribute('beta')}", "beta 1")
    layer.write("ADD", _softplus_of(layer, layer.operand("input")), "AddOptions")


def _log_sigmoid(layer: Layer) -> None:
    turned = layer.one("NEG", layer.operands("input"))
    layer.write("NEG", [layer.one("ADD", _softplus_of(layer, turned), options="AddOptions")])


def _mish(layer: Layer) -> None:
    x = layer.operand("input")
    gate = layer.one("TANH", [layer.one("ADD", _softplus_of(layer, x), options="AddOptions")])
    layer.write("MUL", [x, gate], "MulOptions")


def _softsign(layer: Layer) -> None:
    x = layer.operand("input")
    divisor = layer.one("ADD", [layer.one("ABS", [x]), _number(layer, "one", 1)], options="AddOptions")
    layer.write("DIV", [x, divisor], "DivOptions")


WRITERS: dict[str, Writer] = {
    "clamp": _clamp,
    "elu": _elu,
    "gelu": _gelu,
    "hard_sigmoid": _hard_sigmoid,
    "hard_swish": _plain("HARD_SWISH", "HardSwishOptions"),
    "leaky_relu": _leaky_relu,
    "log_sigmoid": _log_sigmoid,
    "log_softmax": _softmax("LOG_SOFTMAX", "LogSoftmaxOptions"),
    "mish": _mish,
    "prelu": lambda layer: layer.write("PRELU", layer.operands("input", "weight")),
    "relu": _plain("RELU"),
    "relu6": _plain("RELU6"),
    "selu": _selu,
    "sigmoid": _plain("LOGISTIC"),
    "silu": _silu,
    "softmax": _softmax("SOFTMAX", "SoftmaxOptions", beta=1.0),
    "softplus": _softplus,
    "softsign": _softsign,
    "tanh": _plain("TANH"),
}
