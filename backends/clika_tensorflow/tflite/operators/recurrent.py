"""Recurrent layers in float, one step after the other: the length is fixed, the batch is free.

LiteRT's own operator keeps its state in tensors of one batch.
"""

from __future__ import annotations

from collections.abc import Sequence

from clika_core.ir.graph import Value
from clika_tensorflow.tflite.operators.layer import Layer, Writer, reshaped


class _Steps:
    """The words that steps are written with; every tensor is [N, units] unless it is said otherwise."""

    def __init__(self, layer: Layer, gates: int) -> None:
        self._layer, self._gates = layer, gates
        batch, length, units = layer.result.shape
        if layer.attribute("num_layers", 1) != 1 or layer.attribute("bidirectional", False):
            raise layer.refusal("a stack of recurrent layers, or both directions", "layers one by one")
        if not layer.attribute("batch_first", False) or not isinstance(length, int):
            raise layer.refusal(
                "time on the first axis, or of free length", "[N, T, features] with a fixed T"
            )
        self.length = length
        count, _, width = layer.result.example_shape
        self.state = Value(layer.result.dtype, (batch, units), (count, width))
        self._all = reshaped(self.state, {1: gates * width})
        self._shared: dict[str, int] = {}

    def given(self) -> list[int]:
        """What the input gives to each step: [N, gates · units]."""
        layer, times = self._layer, range(self.length)
        every = reshaped(layer.result, {2: self._all.example_shape[1]})
        projected = self._product(layer.inputs["input"], 0, every)
        tensors = [layer.builder.value(f"{layer.node.name}_step_{t}", self._all) for t in times]
        layer.builder.op("UNPACK", [projected], tensors, "UnpackOptions", axis=1, num=self.length)
        return tensors

    def carried(self, hidden: int | None) -> int:
        """What the state gives: [N, gates · units]; before the first step the bias alone."""
        if hidden is None:
            return self._weight("weights.3")
        return self._product(hidden, 1, self._all)

    def _product(self, x: int, number: int, value: Value) -> int:
        keeps = len(value.shape) > 2
        operands = [x, self._weight(f"weights.{number}"), self._weight(f"weights.{number + 2}")]
        return self._layer.one("FULLY_CONNECTED", operands, value, "FullyConnectedOptions", keepNumDims=keeps)

    def _weight(self, role: str) -> int:
        if role not in self._shared:
            self._shared[role] = self._layer.operand(role)
        return self._shared[role]

    def apart(self, joined: int, *, is_bias: bool = False) -> list[int]:
        """The gates of [N, gates · units]."""
        layer = self._layer
        first = self.state.example_shape[1]
        value = Value(self.state.dtype, (first,), (first,)) if is_bias else self.state
        tensors = [layer.builder.value(f"{layer.node.name}_gate", value) for _ in range(self._gates)]
        axis = layer.numbers("axis", 0 if is_bias else 1)
        layer.builder.op("SPLIT", [axis, joined], tensors, "SplitOptions", numSplits=self._gates)
        return tensors

    def op(self, kind: str, *operands: int) -> int:
        """One operator on states."""
        options = {"ADD": "AddOptions", "MUL": "MulOptions", "SUB": "SubOptions"}.get(kind, "")
        return self._layer.one(kind, operands, self.state, options)

    def wide(self, first: int, second: int) -> int:
        """The sum of two [N, gates · units]."""
        return self._layer.one("ADD", [first, second], self._all, "AddOptions")

    def finish(self, hidden: Sequence[int], states: Sequence[int]) -> None:
        """All steps, and the last states."""
        builder = self._layer.builder
        steps, *lasts = self._layer.outputs
        builder.op("PACK", hidden, [steps], "PackOptions", axis=1, valuesCount=len(hidden))
        for state, last in zip(states, lasts, strict=True):
            builder.op("PACK", [state], [last], "PackOptions", axis=0, valuesCount=1)


def _lstm(layer: Layer) -> None:
    """c' = f · c + i · g, h' = o · tanh(c'). Hochreiter and Schmidhuber 1997, with forget gates."""
    steps = _Steps(layer, 4)
    hidden: list[int] = []
    cell: int | None = None
    for at in steps.given():
        gates = steps.wide(at, steps.carried(hidden[-1] if hidden else None))
        i, f, g, o = steps.apart(gates)
        new = steps.op("MUL", steps.op("LOGISTIC", i), steps.op("TANH", g))
        cell = new if cell is None else steps.op("ADD", new, steps.op("MUL", steps.op("LOGISTIC", f), cell))
        hidden.append(steps.op("MUL", steps.op("LOGISTIC", o), steps.op("TANH", cell)))
    assert cell is not None
    steps.finish(hidden, [hidden[-1], cell])


def _gru(layer: Layer) -> None:
    """h' = n + z · (h - n), n = tanh(x + r · carried). Cho et al. 2014, the reset gate after the product."""
    steps = _Steps(layer, 3)
    hidden: list[int] = []
    for at in steps.given():
        given = steps.apart(at)
        carried = steps.apart(steps.carried(hidden[-1] if hidden else None), is_bias=not hidden)
        r, z = (
            steps.op("LOGISTIC", steps.op("ADD", x, h)) for x, h in zip(given[:2], carried[:2], strict=True)
        )
        new = steps.op("TANH", steps.op("ADD", given[2], steps.op("MUL", r, carried[2])))
        if hidden:
            kept = steps.op("MUL", z, steps.op("SUB", hidden[-1], new))
            hidden.append(steps.op("ADD", new, kept))
        else:
            hidden.append(steps.op("SUB", new, steps.op("MUL", z, new)))
    steps.finish(hidden, [hidden[-1]])


WRITERS: dict[str, Writer] = {"lstm": _lstm, "gru": _gru}
