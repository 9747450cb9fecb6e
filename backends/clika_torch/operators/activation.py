"""Activation functions."""

from __future__ import annotations

from collections.abc import Callable

from clika_torch.operators.mapping import Attributes, Call, Mapping, roles

_PLAIN = {
    "aten.erf": "erf",
    "aten.erfc": "erfc",
    "aten.special_erfc": "erfc",
    "aten.hardsigmoid": "hard_sigmoid",
    "aten.hardswish": "hard_swish",
    "aten.log_sigmoid": "log_sigmoid",
    "aten.mish": "mish",
    "aten.relu": "relu",
    "aten.relu6": "relu6",
    "aten.selu": "selu",
    "aten.sigmoid": "sigmoid",
    "aten.silu": "silu",
    "aten.tanh": "tanh",
}


def _named(**names: str) -> Callable[[Call], Attributes]:
    """Arguments taken over under neutral names."""
    return lambda call: {name: call[argument] for name, argument in names.items()}


def _is_relu6(call: Call) -> bool:
    return (call["min_val"], call["max_val"]) == (0, 6)


def _bounds(call: Call) -> Attributes:
    return {} if _is_relu6(call) else {"min": call["min_val"], "max": call["max_val"]}


def _softmax(call: Call) -> Attributes:
    """The axis; the dtype where the result has another than the input."""
    name = next(name for name in ("self", "input") if name in call.arguments)
    axis = call.axis("dim", name)
    is_cast = call.tensor(name).dtype != call.result.dtype
    return (
        {"axis": axis, "dtype": str(call.result.dtype).removeprefix("torch.")} if is_cast else {"axis": axis}
    )


NATIVE = {
    **{native: Mapping(neutral) for native, neutral in _PLAIN.items()},
    "aten.celu": Mapping("celu", attributes=_named(alpha="alpha")),
    "aten.elu": Mapping("elu", attributes=_named(alpha="alpha", scale="scale", input_scale="input_scale")),
    "aten.gelu": Mapping("gelu", attributes=_named(approximate="approximate")),
    "aten.leaky_relu": Mapping("leaky_relu", attributes=_named(negative_slope="negative_slope")),
    "aten.softplus": Mapping("softplus", attributes=_named(beta="beta", threshold="threshold")),
    "aten.glu": Mapping("glu", attributes=lambda call: {"axis": call.axis("dim")}),
    "aten.prelu": Mapping("prelu", roles("input=self weight")),
    "aten._prelu_kernel": Mapping("prelu", roles("input=self weight")),
    "aten.hardtanh": Mapping(lambda call: "relu6" if _is_relu6(call) else "clamp", attributes=_bounds),
    "aten.clamp": Mapping("clamp", roles("input=self min max")),
    "aten.clamp_min": Mapping("clamp", roles("input=self min")),
    "aten.clamp_max": Mapping("clamp", roles("input=self max")),
    "aten.softmax": Mapping("softmax", attributes=_softmax),
    "aten._softmax": Mapping("softmax", attributes=_softmax),
    "aten.log_softmax": Mapping("log_softmax", attributes=_softmax),
    "aten._log_softmax": Mapping("log_softmax", attributes=_softmax),
}
