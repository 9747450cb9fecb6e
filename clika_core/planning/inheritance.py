"""The cause `inherited`: layers that are float because of the layers around them.

A transparent layer with a float producer; a transparent layer fed only by graph inputs, constants, or other such
layers, when all its readers are float; a member of a group whose head is float. One pass down, one pass up.
"""

from __future__ import annotations

from collections.abc import Mapping

from clika_core.ir.graph import Node, NodeKind
from clika_core.ir.operators import Trait
from clika_core.planning.decision import Group
from clika_core.planning.wiring import Wiring


def inherit(wiring: Wiring, groups: Mapping[str, Group], floats: set[str]) -> dict[str, tuple[str, ...]]:
    """Layers that inherit float, with those they inherit it from, in trace order. Adds them to `floats`."""
    found: dict[str, tuple[str, ...]] = {}
    head_of = {member: group.head for group in groups.values() for member in group.members}
    fed_by_inputs: list[int] = []
    from_inputs: set[str] = {node.name for node in wiring.graph.inputs}
    for position, node in enumerate(wiring.graph.nodes):
        if node.kind is not NodeKind.LAYER or node.name in wiring.removed or wiring.is_float_only[position]:
            continue
        givers = _float_givers(wiring, position, node, head_of[node.name], floats)
        if givers:
            found[node.name] = givers
            floats.add(node.name)
        elif wiring.traits[position] is Trait.TRANSPARENT and all(
            producer in from_inputs for producer, _ in wiring.sources[position]
        ):
            from_inputs.add(node.name)
            fed_by_inputs.append(position)
    for position in reversed(fed_by_inputs):
        readers = _readers(wiring, position)
        if readers and all(reader.name in floats or reader.kind is NodeKind.OUTPUT for reader in readers):
            name = wiring.graph.nodes[position].name
            found[name] = tuple(reader.name for reader in readers)
            floats.add(name)
    return found


def _float_givers(wiring: Wiring, position: int, node: Node, head: str, floats: set[str]) -> tuple[str, ...]:
    """The float head of the layer's group, or the float producers of a transparent layer."""
    if head != node.name:
        return (head,) if head in floats else ()
    if wiring.traits[position] is not Trait.TRANSPARENT:
        return ()
    producers = dict.fromkeys(producer for producer, _ in wiring.sources[position] if producer in floats)
    return tuple(sorted(producers, key=wiring.graph.index.__getitem__))


def _readers(wiring: Wiring, position: int) -> list[Node]:
    """The nodes that read any output of the layer, also its integers, each once, in trace order.

    Removed layers are looked through.
    """
    graph = wiring.graph
    found: set[int] = set()
    waiting = list(graph.consumers[position])
    while waiting:
        reader = waiting.pop()
        if graph.nodes[reader].name in wiring.removed:
            waiting += graph.consumers[reader]
        else:
            found.add(reader)
    return [graph.nodes[reader] for reader in sorted(found)]
