"""Recordings run with NumPy: primitives here, layers by the formulas of their papers, in float64.

Test support: a recognised composite must compute what the primitives it replaced computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import erf, erfc, inf, pi, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.ir.assembly import Assembly
from clika_core.ir.graph import Node, NodeKind
from clika_core.ir.recording import Recording, RecordKind, Ref

Array = NDArray[np.float64]
Operands = Mapping[str, Array]
Attributes = Mapping[str, Any]


def run_recording(recording: Recording, given: Mapping[str, Array]) -> list[Array]:
    """The results of the recording as it ran; `given` are the values of inputs and parameters by id."""
    values: dict[Ref, Array] = {}
    for record in recording.records:
        if record.kind is not RecordKind.OPERATION:
            values[Ref(record.id)] = given[record.id]
            continue
        operands = {role: values[ref] for role, ref in record.operands}
        values[Ref(record.id)] = PRIMITIVES[record.type](operands, record.attributes)
    return [values[output.ref] for output in recording.outputs]


def run_graph(assembly: Assembly, recording: Recording, given: Mapping[str, Array]) -> list[Array]:
    """The results of the assembled graph, every layer by its own formula, with the weights it names."""
    values: dict[str, Array] = {}
    for record, node in zip(_inputs(recording), assembly.graph.inputs, strict=True):
        values[node.name] = given[record]
    for node in assembly.graph.layers:
        weights = assembly.regions[node.name].weights
        operands = {port.role: values[port.producer] for port in node.inputs}
        operands |= {role: _parametric(recording, ref, given) for role, ref in weights.items()}
        values[node.name] = _layer(node, operands)
    return [values[node.inputs[0].producer] for node in assembly.graph.outputs]


def _inputs(recording: Recording) -> list[str]:
    return [record.id for record in recording.records if record.kind is RecordKind.INPUT]


def _parametric(recording: Recording, ref: Ref, given: Mapping[str, Array]) -> Array:
    records = {record.id: record for record in recording.records}
    record = records[ref.record]
    if record.kind is RecordKind.PARAMETER:
        return given[record.id]
    operands = {role: _parametric(recording, operand, given) for role, operand in record.operands}
    return PRIMITIVES[record.type](operands, record.attributes)


def _layer(node: Node, operands: Operands) -> Array:
    assert node.kind is NodeKind.LAYER
    return (LAYERS.get(node.type) or PRIMITIVES[node.type])(operands, node.attributes)


def _binary(function: Callable[[Any, Any], Any]) -> Callable[[Operands, Attributes], Array]:
    def run(operands: Operands, attributes: Attributes) -> Array:
        both = {**attributes, **operands}
        return np.asarray(function(both["input"], both["other"]), dtype=np.float64)

    return run


def _unary(function: Callable[[Any], Any]) -> Callable[[Operands, Attributes], Array]:
    return lambda operands, _: np.asarray(function(operands["input"]), dtype=np.float64)


def _reduction(function: Any) -> Callable[[Operands, Attributes], Array]:
    def run(operands: Operands, attributes: Attributes) -> Array:
        keep = bool(attributes.get("keep_dims"))
        return np.asarray(function(operands["input"], axis=attributes["axes"], keepdims=keep))

    return run


def _variance(operands: Operands, attributes: Attributes) -> Array:
    keep, correction = bool(attributes.get("keep_dims")), attributes.get("correction", 1)
    return np.asarray(operands["input"].var(axis=attributes["axes"], keepdims=keep, ddof=correction))


def _clamp(operands: Operands, attributes: Attributes) -> Array:
    low, high = attributes.get("min"), attributes.get("max")
    return np.clip(operands["input"], -inf if low is None else low, inf if high is None else high)


PRIMITIVES: dict[str, Callable[[Operands, Attributes], Array]] = {
    "add": _binary(lambda a, b: a + b),
    "sub": _binary(lambda a, b: a - b),
    "mul": _binary(lambda a, b: a * b),
    "div": _binary(lambda a, b: a / b),
    "pow": _binary(lambda a, b: a**b),
    "maximum": _binary(np.maximum),
    "minimum": _binary(np.minimum),
    "squared_difference": _binary(lambda a, b: (a - b) ** 2),
    "matmul": _binary(np.matmul),
    "neg": _unary(np.negative),
    "exp": _unary(np.exp),
    "log": _unary(np.log),
    "linear": lambda operands, _: operands["input"] @ operands["weight"].T + operands.get("bias", 0),
    "sqrt": _unary(np.sqrt),
    "rsqrt": _unary(lambda x: 1 / np.sqrt(x)),
    "square": _unary(np.square),
    "reciprocal": _unary(lambda x: 1 / x),
    "tanh": _unary(np.tanh),
    "sigmoid": _unary(lambda x: 1 / (1 + np.exp(-x))),
    "erf": _unary(np.vectorize(erf)),
    "erfc": _unary(np.vectorize(erfc)),
    "relu6": _unary(lambda x: np.clip(x, 0, 6)),
    "relu": _unary(lambda x: np.maximum(x, 0)),
    "cast": _unary(lambda x: x),
    "dropout": _unary(lambda x: x),
    "identity": _unary(lambda x: x),
    "clamp": _clamp,
    "mean": _reduction(np.mean),
    "sum": _reduction(np.sum),
    "reduce_max": _reduction(np.max),
    "var": _variance,
    "masked_fill": lambda operands, attributes: np.where(
        operands["mask"] > 0, attributes["value"], operands["input"]
    ),
    "permute": lambda operands, attributes: operands["input"].transpose(attributes["axes"]),
    "reshape": lambda operands, attributes: operands["input"].reshape(attributes["shape"]),
    "expand": lambda operands, attributes: np.broadcast_to(operands["input"], attributes["shape"]),
}


def _gelu(operands: Operands, attributes: Attributes) -> Array:
    x = operands["input"]
    if attributes["approximate"] == "tanh":
        return np.asarray(0.5 * x * (1 + np.tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))))
    return np.asarray(0.5 * x * (1 + np.vectorize(erf)(x / sqrt(2))))


def _layer_norm(operands: Operands, attributes: Attributes) -> Array:
    x, axes = operands["input"], attributes["axes"]
    y = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + attributes["epsilon"])
    return np.asarray(y * operands.get("weight", 1) + operands.get("bias", 0))


def _rms_norm(operands: Operands, attributes: Attributes) -> Array:
    x, axes = operands["input"], attributes["axes"]
    y = x / np.sqrt((x**2).mean(axes, keepdims=True) + attributes["epsilon"])
    return np.asarray(y * operands.get("weight", 1))


def _batch_norm(operands: Operands, attributes: Attributes) -> Array:
    x = operands["input"]
    shape = [-1 if axis == attributes["axis"] else 1 for axis in range(x.ndim)]
    part = {role: value.reshape(shape) for role, value in operands.items() if role != "input"}
    y = (x - part["running_mean"]) / np.sqrt(part["running_var"] + attributes["epsilon"])
    return np.asarray(y * part.get("weight", 1) + part.get("bias", 0))


def _softmax(operands: Operands, attributes: Attributes) -> Array:
    e = np.exp(operands["input"] - operands["input"].max(attributes["axis"], keepdims=True))
    return np.asarray(e / e.sum(attributes["axis"], keepdims=True))


def _attention(operands: Operands, attributes: Attributes) -> Array:
    scores = attributes["scale"] * operands["query"] @ operands["key"].swapaxes(-1, -2)
    if "masked_value" in attributes:
        scores = np.where(operands["mask"] > 0, attributes["masked_value"], scores)
    else:
        scores = scores + operands.get("mask", 0)
    probabilities = _softmax({"input": scores}, {"axis": -1})
    return np.asarray(probabilities @ operands["value"])


LAYERS: dict[str, Callable[[Operands, Attributes], Array]] = {
    "silu": _unary(lambda x: x / (1 + np.exp(-x))),
    "gelu": _gelu,
    "prelu": lambda operands, _: np.where(
        operands["input"] < 0, operands["weight"] * operands["input"], operands["input"]
    ),
    "relu": _unary(lambda x: np.maximum(x, 0)),
    "relu6": _unary(lambda x: np.clip(x, 0, 6)),
    "hard_sigmoid": _unary(lambda x: np.clip(x / 6 + 0.5, 0, 1)),
    "hard_swish": _unary(lambda x: x * np.clip(x + 3, 0, 6) / 6),
    "layer_norm": _layer_norm,
    "rms_norm": _rms_norm,
    "batch_norm": _batch_norm,
    "softmax": _softmax,
    "log_softmax": lambda operands, attributes: np.log(_softmax(operands, attributes)),
    "attention": _attention,
}
