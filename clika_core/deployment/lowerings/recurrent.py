"""Recurrent layers: one ONNX operator per layer of the stack, its weights put into ONNX's order of gates.

Weights stand four to a direction: to the input, to the state, and both biases; where a layer has no biases, two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from clika_core.deployment.lowerings.context import LoweringContext

_GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2)}  # ours: input, forget, cell, output; reset, update, new


def _recurrent(type_: str) -> Callable[[LoweringContext], Sequence[str]]:
    def write(context: LoweringContext) -> Sequence[str]:
        x = context.operand("input")
        if context.attribute("batch_first", False):
            x = context.one("Transpose", x, perm=[1, 0, 2])
        finals: list[list[str]] = []
        for layer in range(context.attribute("num_layers", 1)):
            x, *ends = _layer(context, type_, layer, x)
            finals.append(ends)
        if context.attribute("batch_first", False):
            x = context.one("Transpose", x, perm=[1, 0, 2])
        states = [list(found) for found in zip(*finals, strict=True)]
        return [
            x,
            *(parts[0] if len(parts) == 1 else context.one("Concat", *parts, axis=0) for parts in states),
        ]

    return write


def _layer(context: LoweringContext, type_: str, layer: int, x: str) -> list[str]:
    """[T, N, inputs] to [T, N, directions · H], and the final states [directions, N, H]."""
    count = 2 if context.attribute("bidirectional", False) else 1
    parts = [_direction(context, type_, layer * count + i) for i in range(count)]
    weights, states, biases = (
        context.one("Concat", *(part[i] for part in parts), axis=0) if parts[0][i] else "" for i in range(3)
    )
    hidden = context.node.outputs[1].example_shape[-1]
    more = {"linear_before_reset": 1} if type_ == "GRU" else {}
    outputs = context.op(
        type_,
        [x, weights, states, biases, "", *_initial(context, layer, count)],
        2 if type_ == "GRU" else 3,
        hidden_size=hidden,
        direction="bidirectional" if count == 2 else "forward",
        **more,
    )
    turned = context.one("Transpose", outputs[0], perm=[0, 2, 1, 3])
    joined = context.one("Reshape", turned, context.constant([0, 0, count * hidden], "joined"))
    return [joined, *outputs[1:]]


def _direction(context: LoweringContext, type_: str, index: int) -> tuple[str, str, str]:
    """Weights [1, gates · H, ...] and biases [1, 2 · gates · H] in ONNX's order."""
    size = (
        4
        if any(weight.role == "weights.2" and len(weight.shape) == 1 for weight in context.node.weights)
        else 2
    )
    names = [context.operand(f"weights.{size * index + i}") for i in range(size)]
    axis = context.constant([0], "axis")
    ordered = [context.one("Unsqueeze", _ordered(context, type_, name), axis) for name in names]
    bias = context.one("Concat", *ordered[2:], axis=1) if size == 4 else ""
    return ordered[0], ordered[1], bias


def _ordered(context: LoweringContext, type_: str, name: str) -> str:
    order = _GATES[type_]
    parts = context.op("Split", [name], len(order), axis=0, num_outputs=len(order))
    return context.one("Concat", *(parts[i] for i in order), axis=0)


def _initial(context: LoweringContext, layer: int, count: int) -> list[str]:
    """Initial states [directions, N, H]; none where they are zeros made for every batch, as ONNX starts with."""
    given = [role for role in (f"states.{i}" for i in range(2)) if role in context.inputs]
    if not given:
        return []
    bounds = [context.constant([value], "bound") for value in (layer * count, (layer + 1) * count, 0)]
    return [context.one("Slice", context.operand(role), *bounds) for role in given]


LOWERINGS = {"lstm": _recurrent("LSTM"), "gru": _recurrent("GRU")}
