"""Models as somebody edits them: a layer more or less, another edge, tied weights, another name, another output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from hypothesis import strategies as st

from clika_core.frozen import replace
from clika_core.ir.graph import Graph, InputPort, Node, NodeKind, ValueKey

Draw: TypeAlias = Callable[[st.SearchStrategy[Any]], Any]


@st.composite
def edited(draw: Draw, graph: Graph) -> Graph:
    """`graph` after one edit; as it is where the edit that was drawn finds nothing to change."""
    edit = draw(st.sampled_from([_inserted, _removed, _rewired, _tied, _renamed, _another_output]))
    return Graph(tuple(edit(draw, list(graph.nodes))), name=graph.name)


def _inserted(draw: Draw, nodes: list[Node]) -> Sequence[Node]:
    """A relu on one edge."""
    edges = [
        (p, i) for p, node in enumerate(nodes) for i in range(len(node.inputs)) if _is_float(nodes, p, i)
    ]
    if not edges:
        return nodes
    position, order = draw(st.sampled_from(edges))
    read = nodes[position].inputs[order]
    added = Node(
        _free_name(nodes), "relu", NodeKind.LAYER, (replace(read, role="input"),), (_value(nodes, read),)
    )
    nodes[position] = _reading(nodes[position], order, (added.name, 0))
    return [*nodes[:position], added, *nodes[position:]]


def _removed(draw: Draw, nodes: list[Node]) -> Sequence[Node]:
    """Without a layer whose readers can read what it read."""
    found = [node for node in nodes if node.inputs and node.outputs == (_value(nodes, node.inputs[0]),)]
    if not found:
        return nodes
    gone = draw(st.sampled_from(found))
    return [_following(node, (gone.name, 0), gone.inputs[0].key) for node in nodes if node is not gone]


def _rewired(draw: Draw, nodes: list[Node]) -> Sequence[Node]:
    """One operand is another earlier value of the same dtype and shape."""
    edges = [(p, i) for p, node in enumerate(nodes) for i in range(len(node.inputs))]
    return _rewire_one(draw, nodes, edges)


def _another_output(draw: Draw, nodes: list[Node]) -> Sequence[Node]:
    """One output is another value."""
    return _rewire_one(draw, nodes, [(p, 0) for p, node in enumerate(nodes) if node.kind is NodeKind.OUTPUT])


def _tied(draw: Draw, nodes: list[Node]) -> Sequence[Node]:
    """Two layers with weights of one shape share them."""
    pairs = [
        (first, second)
        for second, node in enumerate(nodes)
        for first in range(second)
        if node.weights and [w.shape for w in node.weights] == [w.shape for w in nodes[first].weights]
    ]
    if pairs:
        first, second = draw(st.sampled_from(pairs))
        roles = [weight.role for weight in nodes[second].weights]
        shared = [replace(w, role=role) for w, role in zip(nodes[first].weights, roles, strict=True)]
        nodes[second] = replace(nodes[second], weights=tuple(shared))
    return nodes


def _renamed(draw: Draw, nodes: list[Node]) -> Sequence[Node]:
    """One layer has another name."""
    layers = [position for position, node in enumerate(nodes) if node.kind is NodeKind.LAYER]
    if not layers:
        return nodes
    position, name = draw(st.sampled_from(layers)), _free_name(nodes)
    old = nodes[position]
    nodes[position] = replace(old, name=name)
    for port in range(len(old.outputs)):
        nodes = [_following(node, (old.name, port), (name, port)) for node in nodes]
    return nodes


def _rewire_one(draw: Draw, nodes: list[Node], edges: Sequence[tuple[int, int]]) -> Sequence[Node]:
    if not edges:
        return nodes
    position, order = draw(st.sampled_from(edges))
    wanted = _value(nodes, nodes[position].inputs[order])
    keys = [
        (node.name, port)
        for node in nodes[:position]
        for port, value in enumerate(node.outputs)
        if value == wanted
    ]
    nodes[position] = _reading(nodes[position], order, draw(st.sampled_from(keys)))
    return nodes


def _value(nodes: Sequence[Node], read: InputPort) -> Any:
    return next(node for node in nodes if node.name == read.producer).outputs[read.port]


def _is_float(nodes: Sequence[Node], position: int, order: int) -> bool:
    return bool(_value(nodes, nodes[position].inputs[order]).is_float)


def _reading(node: Node, order: int, key: ValueKey) -> Node:
    """The node with another value as one operand."""
    ports = list(node.inputs)
    ports[order] = replace(ports[order], producer=key[0], port=key[1])
    return replace(node, inputs=tuple(ports))


def _following(node: Node, old: ValueKey, new: ValueKey) -> Node:
    """The node reading `new` wherever it read `old`."""
    for order, port in enumerate(node.inputs):
        if port.key == old:
            node = _reading(node, order, new)
    return node


def _free_name(nodes: Sequence[Node]) -> str:
    names = {node.name for node in nodes}
    return next(name for number in range(len(names) + 1) if (name := f"edited_{number}") not in names)
