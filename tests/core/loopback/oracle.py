"""What a quantized layer must compute, written down again: int64 sums, one float32 product, half to even.

Shares nothing with the simulation but scales, zero points and weights: no kernel, no array operations, no
formula of `clika_core.numerics`. Each layer is computed from the codes, or reals, that the simulation fed it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.ir.graph import Node, NodeKind, ValueKey
from clika_core.numerics import QuantParams
from clika_core.pipeline.quantization import Quantized

Array = NDArray[Any]


class Oracle:
    """Recomputes the layers of one run."""

    def __init__(
        self, found: Quantized, values: Mapping[ValueKey, Array], *, all_are_reals: bool = False
    ) -> None:
        """`values` are those of the simulation: centred codes where `found` carries codes, else reals.

        With `all_are_reals` they are those of a float run, and every group quantizes what it reads.
        """
        self._found, self._values, self._all_are_reals = found, values, all_are_reals
        self._graph = found.model.graph
        self._activations = found.parameters.activations
        self._float = {d.name for d in found.plan.decisions if d.precision == "float"}

    def groups(self) -> Iterator[tuple[str, list[Array], list[Array]]]:
        """Per quantized group its head, the codes the simulation left at its end, and what they must be."""
        for head, end in self.quantized_groups():
            ports = range(len(self._graph[end].outputs))
            theirs = [
                self._values[end, port] + int(self._activations[end, port].zero_point) for port in ports
            ]
            yield head, theirs, self.codes(head)

    def quantized_groups(self) -> Iterator[tuple[str, str]]:
        """Head and end of each group that is not float."""
        groups = self._found.plan.groups.items()
        return ((head, group.end) for head, group in groups if head not in self._float)

    def codes(self, head: str) -> list[Array]:
        """The codes at the end of a group, by port."""
        group = self._found.plan.groups[head]
        return self._compute(self._graph[head], [self._graph[member] for member in group.members])

    def reals(self, head: str) -> list[Array]:
        """The same, dequantized."""
        end = self._found.plan.groups[head].end
        codes = enumerate(self.codes(head))
        return [_to_reals(array, self._activations[end, port]) for port, array in codes]

    def _compute(self, head: Node, members: Sequence[Node]) -> list[Array]:
        outputs = [self._activations[members[-1].name, port] for port in range(len(members[-1].outputs))]
        if head.type in _PRODUCTS:
            results = [self._product(head, outputs[0])]
        elif head.type in _MOVES:
            results = _MOVES[head.type](self._codes(head), head.attributes, self._pad_code(head))
        else:
            operands = self._reals(head)
            results = [_to_codes(_FORMULAS[head.type](operands, head.attributes), outputs[0])]
        for member in members[1:]:
            results = [_clamped(member.type, results[0], outputs[0])]
        return results

    def _product(self, node: Node, output: QuantParams) -> Array:
        """int64 sums of products of centred codes, plus the bias in their unit."""
        centred = [codes - int(params.zero_point) for codes, params in self._operands(node)]
        scales = [params.scale for _, params in self._operands(node)]
        weights = self._found.model.parameters(node.name)
        for _, value, params in self._constants(node):
            is_activation = node.type == "mul"
            centred.append(
                _to_codes(value, params) - int(params.zero_point)
                if is_activation
                else _weight_codes(value, params)
            )
            scales.append(params.scale)
        unit = np.asarray(np.float32(scales[0]) * np.asarray(scales[1], np.float32), np.float32)
        sums = _PRODUCTS[node.type](centred, node.attributes)
        axis = 1 if node.type == "conv" else -1
        if "bias" in weights:
            sums = sums + _along(np.rint(weights["bias"] / unit).astype(np.int64), axis, sums.ndim)
        factor = np.asarray(unit / output.scale, np.float32)
        scaled = sums.astype(np.float32) * _along(factor, axis, sums.ndim)
        return _saturated(np.rint(scaled).astype(np.int64) + int(output.zero_point), output)

    def _operands(self, node: Node) -> list[tuple[Array, QuantParams]]:
        """Codes and parameters of the floating-point inputs; values of float producers are quantized here."""
        return [self._read(port.key) for port in node.inputs if self._graph.value(port.key).is_float]

    def _read(self, key: ValueKey) -> tuple[Array, QuantParams]:
        while key[0] in self._found.plan.removed:
            key = self._graph[key[0]].inputs[0].key
        producer, params = self._graph[key[0]], self._activations[key]
        held = self._values[key]
        is_real = producer.kind is NodeKind.INPUT or producer.name in self._float
        if is_real or self._all_are_reals:
            return _to_codes(held, params), params
        return np.rint(held).astype(np.int64) + int(params.zero_point), params

    def _codes(self, node: Node) -> list[Array]:
        return [codes for codes, _ in self._operands(node)]

    def _pad_code(self, node: Node) -> int:
        return int(self._operands(node)[0][1].zero_point)

    def _reals(self, node: Node) -> dict[str, Array]:
        """float32 operands by role; constants and numbers on their own grid."""
        found = {
            port.role: _to_reals(codes, params)
            for port, (codes, params) in zip(node.inputs, self._operands(node), strict=True)
        }
        for role, value, params in self._constants(node):
            found[role] = _to_reals(_to_codes(value, params), params)
        return found

    def _constants(self, node: Node) -> list[tuple[str, Array, QuantParams]]:
        """Weights, constants and numbers that have parameters: role, values, parameters."""
        held = self._found.model.parameters(node.name)
        return [
            (role, np.asarray(held[role] if role in held else node.attributes[role], np.float32), params)
            for (name, role), params in self._found.parameters.weights.items()
            if name == node.name
        ]


def _to_codes(reals: Array, params: QuantParams) -> Array:
    steps = np.rint(np.asarray(reals, np.float32) / params.scale).astype(np.int64)
    return _saturated(steps + int(params.zero_point), params)


def _to_reals(codes: Array, params: QuantParams) -> Array:
    return (codes - int(params.zero_point)).astype(np.float32) * params.scale


def _saturated(codes: Array, params: QuantParams) -> Array:
    return np.minimum(np.maximum(codes, int(params.format.quant_min)), int(params.format.quant_max))


def _clamped(type_name: str, codes: Array, params: QuantParams) -> Array:
    zero = int(params.zero_point)
    codes = np.maximum(codes, zero)
    return (
        codes if type_name == "relu" else np.minimum(codes, int(np.rint(np.float32(6) / params.scale)) + zero)
    )


def _weight_codes(weight: Array, params: QuantParams) -> Array:
    axis = getattr(params.granularity, "axis", 0)
    steps = np.rint(weight / _along(np.asarray(params.scale), axis, weight.ndim)).astype(np.int64)
    return _saturated(steps, params)


def _along(values: Array, axis: int, rank: int) -> Array:
    return values.reshape([-1 if i == axis % rank else 1 for i in range(rank)]) if values.ndim else values


def _conv(operands: Sequence[Array], attributes: Mapping[str, Any]) -> Array:
    """One kernel position at a time: int64 [N, C, H, W] with [O, C / groups, *kernel]."""
    x, weight = operands
    groups, (height, width) = attributes["groups"], weight.shape[2:]
    x = np.pad(x, ((0, 0), (0, 0), *attributes["padding"]))
    steps, holes = attributes["strides"], attributes["dilations"]
    size = [(x.shape[2 + i] - holes[i] * (weight.shape[2 + i] - 1) - 1) // steps[i] + 1 for i in (0, 1)]
    sums = np.zeros((x.shape[0], weight.shape[0], *size), np.int64)
    per_group, inputs = weight.shape[0] // groups, weight.shape[1]
    for channel, row, column in product(range(weight.shape[0]), range(height), range(width)):
        first = channel // per_group * inputs
        top, left = row * holes[0], column * holes[1]
        part = x[
            :,
            first : first + inputs,
            top : top + steps[0] * size[0] : steps[0],
            left : left + steps[1] * size[1] : steps[1],
        ]
        sums[:, channel] += np.einsum("ncij,c->nij", part, weight[channel, :, row, column])
    return sums


_PRODUCTS: Mapping[str, Callable[[Sequence[Array], Mapping[str, Any]], Array]] = {
    "conv": _conv,
    "linear": lambda operands, _: np.einsum("...k,ok->...o", *operands),
    "matmul": lambda operands, _: np.einsum("...ik,...kj->...ij", *operands),
    "mul": lambda operands, _: operands[0] * operands[1],
}


def _windows(x: Array, attributes: Mapping[str, Any], fill: float) -> Array:
    """[N, C, H', W', kernel elements], one window at a time."""
    kernel, steps = attributes["kernel_size"], attributes["strides"]
    padded = np.pad(x, ((0, 0), (0, 0), *attributes["padding"]), constant_values=fill)
    rows = range(0, padded.shape[2] - kernel[0] + 1, steps[0])
    columns = range(0, padded.shape[3] - kernel[1] + 1, steps[1])
    parts = [
        [padded[:, :, r : r + kernel[0], c : c + kernel[1]].reshape(*x.shape[:2], -1) for c in columns]
        for r in rows
    ]
    return np.stack([np.stack(row, 2) for row in parts], 2)


Move = Callable[[Sequence[Array], Mapping[str, Any], int], list[Array]]

_MOVES: Mapping[str, Move] = {
    "identity": lambda codes, _, __: [codes[0]],
    "flatten": lambda codes, _, __: [codes[0].reshape(codes[0].shape[0], -1)],
    "permute": lambda codes, attributes, __: [codes[0].transpose(attributes["axes"])],
    "split": lambda codes, attributes, __: np.split(
        codes[0], np.cumsum(attributes["sizes"])[:-1], axis=attributes["axis"]
    ),
    "max_pool": lambda codes, attributes, _: [_windows(codes[0], attributes, -(10**6)).max(-1)],
    "pad": lambda codes, attributes, zero: [np.pad(codes[0], attributes["pads"], constant_values=zero)],
}

Formula = Callable[[Mapping[str, Array], Mapping[str, Any]], Array]

_FORMULAS: Mapping[str, Formula] = {
    "add": lambda x, _: x["input"] + x["other"],
    "relu": lambda x, _: np.where(x["input"] > 0, x["input"], 0),
    "relu6": lambda x, _: np.where(x["input"] > 6, 6, np.where(x["input"] > 0, x["input"], 0)),
    "leaky_relu": lambda x, _: np.where(x["input"] < 0, x["input"] * np.float32(0.01), x["input"]),
    "sigmoid": lambda x, _: 1 / (1 + np.exp(-x["input"].astype(np.float64))),
    "softmax": lambda x, attributes: _softmax(x["input"].astype(np.float64), attributes["axis"]),
    "concat": lambda x, attributes: np.concatenate([x[role] for role in sorted(x)], attributes["axis"]),
    "avg_pool": lambda x, attributes: _windows(x["input"].astype(np.float64), attributes, 0).mean(-1),
    "adaptive_avg_pool": lambda x, attributes: _equal_parts(
        x["input"].astype(np.float64), attributes["output_size"]
    ),
    "mean": lambda x, attributes: (
        x["input"].astype(np.float64).mean(attributes["axes"], keepdims=attributes["keep_dims"])
    ),
}
INEXACT = frozenset({"sigmoid", "softmax", "avg_pool", "adaptive_avg_pool", "mean"})
"""Computed in float32 there and in float64 here: a value halfway between two codes may round to the other."""


def _softmax(x: Array, axis: int) -> Array:
    powers = np.exp(x - x.max(axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis, keepdims=True))


def _equal_parts(x: Array, wanted: Sequence[int]) -> Array:
    n, channels, height, width = x.shape
    parts = x.reshape(n, channels, wanted[0], height // wanted[0], wanted[1], width // wanted[1])
    return np.asarray(parts.mean((3, 5)))
