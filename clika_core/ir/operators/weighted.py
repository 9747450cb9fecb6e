"""Operators that multiply and accumulate, or look up, a weight."""

from __future__ import annotations

from math import prod

from clika_core.ir.graph import Node
from clika_core.ir.operators.operator_type import OperatorType, Trait


def _per_output_element(node: Node) -> int:
    """Outputs times the weight elements each output reads: all but the output channel axis."""
    weight = node.weight("weight")
    if weight is None or not weight.shape:
        return 0
    return prod(node.outputs[0].example_shape) * prod(weight.shape) // max(_channels(node, weight.shape), 1)


def _channels(node: Node, shape: tuple[int, ...]) -> int:
    axis = node.attributes.get("weight_output_axis", 0)
    return shape[axis] if isinstance(axis, int) else shape[0]


def _transposed(node: Node) -> int:
    """A transposed convolution: every input element meets every weight of its input channel."""
    weight = node.weight("weight")
    if weight is None or not node.inputs:
        return 0
    elements = prod(node.outputs[0].example_shape)
    strides = node.attributes.get("strides") or ()
    steps = prod(step for step in strides if isinstance(step, int)) if isinstance(strides, tuple) else 1
    return elements * prod(weight.shape) // max(weight.shape[1], 1) // max(steps, 1)


def _matmul(node: Node) -> int:
    """Outputs times the contracted size, read off whichever operand is a weight."""
    weight = node.weight("other") or node.weight("input")
    if weight is None or not weight.shape:
        return 0
    contracted = weight.shape[-2 if weight.role == "other" and len(weight.shape) > 1 else -1]
    return prod(node.outputs[0].example_shape) * contracted


def _recurrent(node: Node) -> int:
    """Every weight element once per sample and time step."""
    elements = sum(prod(weight.shape) for weight in node.weights if len(weight.shape) > 1)
    outputs = node.outputs[0].example_shape
    return prod(outputs[:-1]) * elements


_CONV = ("kernel_size", "strides", "padding", "dilations", "groups")

ENTRIES = (
    OperatorType(
        "conv",
        Trait.COMPUTING,
        operands=("input", "weight", "bias"),
        weight_operands=("weight",),
        attributes=_CONV,
        multiply_accumulates=_per_output_element,
    ),
    OperatorType(
        "conv_transpose",
        Trait.COMPUTING,
        operands=("input", "weight", "bias"),
        weight_operands=("weight",),
        attributes=(*_CONV, "output_padding"),
        multiply_accumulates=_transposed,
    ),
    OperatorType(
        "linear",
        Trait.COMPUTING,
        operands=("input", "weight", "bias"),
        weight_operands=("weight",),
        multiply_accumulates=_per_output_element,
    ),
    OperatorType(
        "matmul",
        Trait.COMPUTING,
        operands=("input", "other"),
        weight_operands=("input", "other"),
        multiply_accumulates=_matmul,
    ),
    OperatorType(
        "embedding",
        Trait.COMPUTING,
        operands=("indices", "weight"),
        weight_operands=("weight",),
        index_operands=("indices",),
    ),
    OperatorType(
        "bilinear",
        Trait.COMPUTING,
        operands=("input", "other", "weight", "bias"),
        weight_operands=("weight",),
    ),
    OperatorType(
        "lstm",
        Trait.COMPUTING,
        operands=("input", "states*"),
        weight_operands=tuple(f"weights.{i}" for i in range(64)),
        attributes=("num_layers", "bidirectional", "batch_first"),
        multiply_accumulates=_recurrent,
    ),
    OperatorType(
        "gru",
        Trait.COMPUTING,
        operands=("input", "states*"),
        weight_operands=tuple(f"weights.{i}" for i in range(64)),
        attributes=("num_layers", "bidirectional", "batch_first"),
        multiply_accumulates=_recurrent,
    ),
)
