"""The graph as planning reads it: removed layers looked through, operands that are no values left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from clika_core.frozen import frozen
from clika_core.ir.graph import Graph, InputPort, Node, NodeKind, ValueKey
from clika_core.ir.operators import OPERATORS, Trait, trait_of
from clika_core.ir.removals import removals


@frozen(slots=False)
class Wiring:
    """Facts about a graph that every plan of it shares; made once."""

    graph: Graph

    @cached_property
    def removed(self) -> Mapping[str, str | None]:
        """Each removed layer with the layer that absorbs it, or None."""
        return removals(self.graph)

    @cached_property
    def traits(self) -> Sequence[Trait]:
        """The trait of each node, by position."""
        return [trait_of(node) for node in self.graph.nodes]

    @cached_property
    def is_float_only(self) -> Sequence[bool]:
        """Per node: a layer none of whose outputs is floating point."""
        return [
            node.kind is NodeKind.LAYER and not any(value.is_float for value in node.outputs)
            for node in self.graph.nodes
        ]

    @cached_property
    def origin(self) -> Mapping[ValueKey, ValueKey]:
        """For values of removed layers: the value of a layer that stays, or of a graph input, that they carry."""
        found: dict[ValueKey, ValueKey] = {}
        for name in self.removed:
            key = self.graph[name].inputs[0].key
            found[name, 0] = found.get(key, key)
        return found

    @cached_property
    def sources(self) -> Sequence[tuple[ValueKey, ...]]:
        """Per node, the floating-point values it computes on, removed layers looked through.

        Index operands and integers are no data: they are never quantized.
        """
        return [tuple(self._source(port) for port in self.data_ports(node)) for node in self.graph.nodes]

    @cached_property
    def readers(self) -> Mapping[ValueKey, Sequence[int]]:
        """For each floating-point value, the nodes that stay and compute on it, one entry per edge."""
        found: dict[ValueKey, list[int]] = {}
        for position, node in enumerate(self.graph.nodes):
            if node.name not in self.removed:
                for key in self.sources[position]:
                    found.setdefault(key, []).append(position)
        return found

    def data_ports(self, node: Node) -> Sequence[InputPort]:
        """The input ports of `node` that carry floating-point data."""
        entry = OPERATORS.get(node.type)
        indices = entry.index_operands if entry else ()
        return [
            port for port in node.inputs if port.role not in indices and self.graph.value(port.key).is_float
        ]

    def _source(self, port: InputPort) -> ValueKey:
        return self.origin.get(port.key, port.key)
