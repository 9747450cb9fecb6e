"""Writes a graph whose channels are last with channels first, which is all that ONNX convolutions and pools take.

A value keeps the order of axes in which it was written until a layer wants another one: spatial layers want
channels first, what works element by element takes what it gets, everything else wants the graph's own order. So
there is a transposition where a model enters its convolutions, one where it leaves them, and none between.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from clika_core.ir.channels import SPATIAL, channel_axis
from clika_core.ir.graph import AttributeValue, Graph, Node, NodeKind, Value, ValueKey

Order: TypeAlias = tuple[int, ...]  # axis k of what is written is axis `order[k]` of the graph's value

_BROADCASTING = frozenset("add sub mul div maximum minimum pow prelu squared_difference".split())
_FOLLOWING = _BROADCASTING | frozenset(
    "abs cast ceil celu clamp concat dropout elu erf exp flip floor gelu hard_sigmoid hard_swish identity leaky_relu "
    "log log_softmax mish neg pad reciprocal relu relu6 round rsqrt selu sigmoid silu sin slice softmax softplus "
    "softsign split sqrt square tanh".split()
)


@dataclass(frozen=True, slots=True)
class Layout:
    """`nodes` are the layers as they are written; `wanted` is the order in which a layer reads its data, and `values`
    that in which a value is written, both only where it is not the graph's own."""

    nodes: Mapping[str, Node]
    wanted: Mapping[str, Order]
    values: Mapping[ValueKey, Order]

    def weight(self, node: Node, array: NDArray[Any]) -> NDArray[Any]:
        """A constant that meets data element by element, in the order of that data."""
        order = self.wanted.get(node.name)
        if order is None or node.type not in _BROADCASTING or array.ndim == 0:
            return array
        return array.reshape(*[1] * (len(order) - array.ndim), *array.shape).transpose(order)


def channels_first(graph: Graph, removed: Collection[str] = ()) -> Layout:
    """The layout of `graph`; values of `removed` layers are written as their input is."""
    nodes: dict[str, Node] = {}
    wanted: dict[str, Order] = {}
    values: dict[ValueKey, Order] = {}
    for node in graph.nodes:
        nodes[node.name] = node
        if node.kind is not NodeKind.LAYER or not node.inputs:
            continue
        first = node.inputs[0].key
        if node.name in removed:
            values.update({(node.name, 0): values[first]} if first in values else {})
            continue
        order = _wanted(graph, node, values)
        if order is not None:
            wanted[node.name] = order
            nodes[node.name] = _as_written(node, order)
            kept = [port for port, value in enumerate(node.outputs) if len(value.shape) == len(order)]
            values.update({(node.name, port): order for port in kept})
    return Layout(nodes, wanted, values)


def reordered(value: Value, order: Order | None) -> Value:
    """The value as it is when it is written in `order`."""
    if order is None or len(value.shape) != len(order):
        return value
    shape = tuple(value.shape[axis] for axis in order)
    return replace(value, shape=shape, example_shape=tuple(value.example_shape[axis] for axis in order))


def inverse(order: Order) -> Order:
    """The order that undoes `order`."""
    return tuple(int(axis) for axis in np.argsort(order))


def _wanted(graph: Graph, node: Node, values: Mapping[ValueKey, Order]) -> Order | None:
    ranks = {len(graph.value(port.key).shape) for port in node.inputs}
    rank = max(ranks)
    if node.type in SPATIAL or node.type == "batch_norm":
        channels = node.attributes.get("axis", 1) if node.type == "batch_norm" else channel_axis(node)
        return (0, rank - 1, *range(1, rank - 1)) if channels == rank - 1 and rank > 2 else None
    if node.type not in _FOLLOWING or len(ranks) > 1:
        return None
    return next((values[port.key] for port in node.inputs if port.key in values), None)


def _as_written(node: Node, order: Order) -> Node:
    attributes = {name: _moved(name, value, order) for name, value in node.attributes.items()}
    attributes.pop("channel_axis", None)
    if node.type == "concat":
        attributes.setdefault("axis", 0)
    return replace(node, attributes=attributes, outputs=tuple(reordered(v, order) for v in node.outputs))


def _moved(name: str, value: AttributeValue, order: Order) -> AttributeValue:
    """An attribute that speaks of axes, in the new order."""
    if name == "axis" and isinstance(value, int):
        return order.index(value % len(order))
    if name == "axes" and isinstance(value, tuple):
        return tuple(order.index(axis % len(order)) for axis in value if isinstance(axis, int))
    if name == "pads" and isinstance(value, tuple):
        return tuple(value[axis] for axis in order)
    return value
