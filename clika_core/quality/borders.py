"""Borders that can be balanced: float values that linear layers alone read as codes, and where their gains can go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from clika_core.ir.graph import Graph, Node, ValueKey
from clika_core.simulation.visitor import Simulation

_NORMS: Final = frozenset({"layer_norm", "rms_norm"})
_MOVING: Final = frozenset({"identity", "permute", "reshape", "select", "slice", "squeeze", "unsqueeze"})


@dataclass(frozen=True, slots=True)
class Border:
    """A float value [..., C] that is quantized for `readers`, linear layers with weights [O, C].

    `norm` is the layer that the value comes from, where gains can go into its own weight: nothing but the readers
    would notice.
    """

    key: ValueKey
    readers: tuple[str, ...]
    norm: str | None


def balanced_borders(simulation: Simulation) -> dict[ValueKey, Border]:
    """The borders all of whose integer readers are linear layers in float32, by value, in graph order."""
    nodes, wiring = simulation.wiring.graph.nodes, simulation.wiring
    found = {}
    for key in simulation.quantize_at:
        readers = [nodes[position] for position in dict.fromkeys(wiring.readers[key])]
        integer = [node for node in readers if node.name in simulation.specs]
        if all(map(_is_plain_linear, integer)):
            norm = _norm(simulation, key) if len(integer) == len(readers) else None
            found[key] = Border(key, tuple(node.name for node in integer), norm)
    return found


def hindered_borders(simulation: Simulation) -> dict[ValueKey, str]:
    """The borders that linear layers and other integer layers read, with the reason why they stay as they are.

    A value has one row of codes, and only linear layers have weights that take gains back.
    """
    nodes, wiring = simulation.wiring.graph.nodes, simulation.wiring
    found = {}
    for key in simulation.quantize_at:
        readers = [nodes[position] for position in dict.fromkeys(wiring.readers[key])]
        others = [
            node.name for node in readers if node.name in simulation.specs and not _is_plain_linear(node)
        ]
        if others and any(map(_is_plain_linear, readers)):
            found[key] = f"{', '.join(others)} read{'s' if len(others) == 1 else ''} its codes too"
    return found


def _is_plain_linear(node: Node) -> bool:
    weight = node.weight("weight")
    is_float32 = weight is not None and weight.dtype == "float32" and node.outputs[0].dtype == "float32"
    return node.type == "linear" and is_float32 and len(node.inputs) == 1


def _norm(simulation: Simulation, key: ValueKey) -> str | None:
    """The float norm over the last axis that a value comes from, be it moved, where nothing reads it on the way."""
    wiring = simulation.wiring
    node = wiring.graph[key[0]]
    if node.name in simulation.specs:
        return None
    if _keeps_features(wiring.graph, node) and len(node.outputs) == 1:
        (source,) = wiring.sources[wiring.graph.index[node.name]]
        return _norm(simulation, source) if len(wiring.readers[source]) == 1 else None
    weight = node.weight("weight")
    if weight is None or weight.dtype != "float32" or node.type not in _NORMS:
        return None
    return node.name if weight.shape == node.outputs[0].example_shape[-1:] else None


def _keeps_features(graph: Graph, node: Node) -> bool:
    """Whether element k of the last axis stays element k of the last axis."""
    if node.type not in _MOVING:
        return False
    given = graph.value(node.inputs[0].key).example_shape
    last = len(given) - 1
    if node.type == "permute":
        axes = node.attributes["axes"]
        assert isinstance(axes, tuple)
        return int(str(axes[-1])) % len(given) == last
    axis = node.attributes.get("axis", 0)
    assert isinstance(axis, int)
    return axis % len(given) != last and node.outputs[0].example_shape[-1:] == given[-1:]
