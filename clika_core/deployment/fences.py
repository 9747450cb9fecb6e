"""Fences: what keeps onnxruntime from computing a float layer in integers.

It fuses `DequantizeLinear -> operator -> QuantizeLinear` also where the plan keeps the operator float, and quantizes
a convolution's float weights itself, with one scale. A layer in that place reads its input through a `Sum` of one
operand, which the optimizer neither removes nor moves a pair across. It costs one copy of the value.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from clika_core.ir.graph import Node, NodeKind, ValueKey
from clika_core.ir.operators import Trait, trait_of
from clika_core.planning.wiring import Wiring
from clika_core.simulation.visitor import Simulation

_CLAMPS = frozenset({"relu", "relu6", "clamp"})  # the optimizer looks through them for a QuantizeLinear


@dataclass(frozen=True, slots=True)
class Fences:
    """`layers` read those of their inputs that are among `values` through a fence."""

    layers: Collection[str]
    values: Collection[ValueKey]


def find_fences(simulation: Simulation) -> Fences:
    """The float layers that compute between values of the integer grid, and these values."""
    wiring = simulation.wiring
    floats = [node for node in wiring.graph.layers if _is_float(node, simulation)]
    values = _on_the_grid(wiring, floats, simulation)
    ending = _leading_to_codes(wiring, floats, simulation)
    layers = {
        node.name
        for node in floats
        if not _moves(node) and node.name in ending and not values.isdisjoint(_sources(wiring, node))
    }
    return Fences(layers, values)


def _is_float(node: Node, simulation: Simulation) -> bool:
    inside = node.name in simulation.specs or node.name in simulation.members
    return not inside and node.name not in simulation.wiring.removed


def _on_the_grid(wiring: Wiring, floats: Collection[Node], simulation: Simulation) -> set[ValueKey]:
    """Values that are carried as codes, and what float layers only move of them."""
    found = set(simulation.coded)
    for node in floats:
        if _moves(node) and not found.isdisjoint(_sources(wiring, node)):
            found.update((node.name, port) for port in range(len(node.outputs)))
    return found


def _leading_to_codes(wiring: Wiring, floats: Collection[Node], simulation: Simulation) -> set[str]:
    """Float layers that end at a border, be it behind layers that move or clamp."""
    found = {producer for producer, _ in simulation.quantize_at}
    for node in reversed(list(floats)):
        if node.name in found and (_moves(node) or node.type in _CLAMPS):
            found.update(producer for producer, _ in _sources(wiring, node))
    return found & {node.name for node in wiring.graph.nodes if node.kind is NodeKind.LAYER}


def _sources(wiring: Wiring, node: Node) -> tuple[ValueKey, ...]:
    return wiring.sources[wiring.graph.index[node.name]]


def _moves(node: Node) -> bool:
    return trait_of(node) is Trait.TRANSPARENT
