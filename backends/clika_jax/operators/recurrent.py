"""Recurrent layers, which `clika_jax.recurrence` finds in scans."""

from __future__ import annotations

from collections.abc import Sequence

from clika_core.ir.recording import Ref
from clika_jax.flat import Number, Operand, Shaped
from clika_jax.operators.translation import Translation
from clika_jax.recurrent_layers import LAYERS
from clika_jax.translator import Call


def _weights(call: Call) -> Sequence[Operand]:
    """What the cell's constants are as the layer's weights: folded by the core, as all that depends on no input."""
    assert call.equation.bind is not None
    constants = {f"input.{i}": call.tensor(operand, f"full_{i}") for i, operand in enumerate(call.operands)}
    ref = call.emit("recurrent_weights", call.equation.bind, constants, call.equation.outputs)
    return [Ref(ref.record, port) for port in range(4)]


def _layer(type_: str) -> Translation:
    """A layer over x [N, T, in]: a scan has the steps first."""

    def translate(call: Call) -> Sequence[Operand]:
        steps, *weights = call.operands[:5]
        states = call.operands[5:]
        x = call.tensor(call.permuted(steps, (1, 0, 2), "input"))
        operands: dict[str, Operand | None] = {"input": x}
        operands.update((f"weights.{i}", weight) for i, weight in enumerate(weights))
        if not all(isinstance(state, Number) and state.value == 0 for state in states):
            for i, state in enumerate(states):
                held = call.tensor(state, f"state_{i}_full")
                operands[f"states.{i}"] = call.reshaped(held, (1, *call.shaped(held).shape), f"state_{i}")
        time, batch, size = call.result.shape
        ends = [Shaped(end.dtype, (1, *end.shape)) for end in call.equation.outputs[1:]]
        ref = call.emit(
            type_,
            LAYERS[type_],
            operands,
            (Shaped(call.result.dtype, (batch, time, size)), *ends),
            attributes={"num_layers": 1, "bidirectional": False, "batch_first": True},
            suffix="cell",
        )
        found = [call.permuted(ref, (1, 0, 2), "steps")]
        for i, end in enumerate(ends):
            found.append(call.reshaped(Ref(ref.record, i + 1), end.shape[1:], f"end_{i}"))
        return found

    return translate


TRANSLATIONS = {"recurrent_weights": _weights, **{name: _layer(name) for name in LAYERS}}
