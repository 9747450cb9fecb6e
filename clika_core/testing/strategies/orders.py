"""The same graph with other names, in another order, with other facts that decide nothing; two as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from hypothesis import strategies as st

from clika_core.ir.graph import Graph, Node, NodeKind, Value


def renamed(graph: Graph, names: Mapping[str, str]) -> Graph:
    """`graph` with every node's name replaced; paths and aliases stay."""
    return replace(
        graph,
        nodes=tuple(
            replace(
                node,
                name=names[node.name],
                inputs=tuple(replace(port, producer=names[port.producer]) for port in node.inputs),
            )
            for node in graph.nodes
        ),
    )


def renamings(graph: Graph) -> st.SearchStrategy[Mapping[str, str]]:
    """Bijections of the names of `graph`: they change places, and some may be new."""
    names = [node.name for node in graph.nodes]
    pool = st.tuples(
        st.permutations(names), st.lists(st.booleans(), min_size=len(names), max_size=len(names))
    )
    return pool.map(
        lambda drawn: MappingProxyType(
            {
                name: f"{other}_anew" if is_new else other
                for name, other, is_new in zip(names, drawn[0], drawn[1], strict=True)
            }
        )
    )


def reorderings(graph: Graph) -> st.SearchStrategy[Graph]:
    """The same named nodes in another topological order, outputs anywhere after what they read."""
    return st.permutations(range(len(graph.nodes))).map(lambda ranks: _reordered(graph, ranks))


def relabelings(graph: Graph) -> st.SearchStrategy[Graph]:
    """The same graph with other weight identities, example sizes, versions and origins."""
    return st.tuples(st.text(max_size=4), st.integers(1, 9)).map(lambda drawn: _relabeled(graph, *drawn))


def disjoint_union(one: Graph, other: Graph, prefix: str = "other_") -> Graph:
    """Both graphs in one, not connected; the nodes of `other` and their aliases and paths get the prefix."""
    apart = renamed(other, {node.name: prefix + node.name for node in other.nodes})
    nodes = tuple(
        replace(
            node,
            path=node.path and prefix + node.path,
            aliases=tuple(prefix + alias for alias in node.aliases),
        )
        for node in apart.nodes
    )
    return replace(one, nodes=(*one.nodes, *nodes))


def _reordered(graph: Graph, ranks: list[int]) -> Graph:
    """Of the nodes whose producers are placed, always the one of lowest rank next."""
    waiting = {node.name: len(node.inputs) for node in graph.nodes}
    ready = [position for position, node in enumerate(graph.nodes) if not node.inputs]
    placed: list[Node] = []
    while ready:
        position = min(ready, key=lambda candidate: ranks[candidate])
        ready.remove(position)
        placed.append(graph.nodes[position])
        for consumer in graph.consumers[position]:
            name = graph.nodes[consumer].name
            waiting[name] -= 1
            if not waiting[name]:
                ready.append(consumer)
    return replace(graph, nodes=tuple(placed))


def _relabeled(graph: Graph, tag: str, size: int) -> Graph:
    return replace(
        graph,
        name=f"{graph.name}{tag}",
        backend=tag,
        framework_version=f"{size}.{tag}",
        nodes=tuple(_relabeled_node(node, tag, size) for node in graph.nodes),
    )


def _relabeled_node(node: Node, tag: str, size: int) -> Node:
    if node.kind is NodeKind.OUTPUT:
        return node
    return replace(
        node,
        outputs=tuple(_resized(value, size) for value in node.outputs),
        weights=tuple(replace(weight, identity=tag + weight.identity) for weight in node.weights),
    )


def _resized(value: Value, size: int) -> Value:
    """The symbolic dimensions seen at another size."""
    seen = tuple(size if isinstance(dimension, str) else dimension for dimension in value.shape)
    return replace(value, example_shape=seen)
