"""The graph as planning reads it: removed layers looked through, operands that are no values left out.

Everything stands beside the nodes, in lists by position, and values are numbers, so that a plan never looks up a
name: output `port` of the node at `position` is value `first_value[position] + port`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    def stays(self) -> bytearray:
        """Per node: a layer that preprocessing does not take out."""
        found = bytearray([node.kind is NodeKind.LAYER for node in self.graph.nodes])
        for name in self.removed:
            found[self.graph.index[name]] = 0
        return found

    @cached_property
    def traits(self) -> Sequence[Trait]:
        """The trait of each node, by position."""
        return [trait_of(node) for node in self.graph.nodes]

    @cached_property
    def is_float_only(self) -> bytearray:
        """Per node: a layer none of whose outputs is floating point."""
        found = bytearray(len(self.graph.nodes))
        first = self.first_value
        for position, node in enumerate(self.graph.nodes):
            if not self.is_float_value[first[position]] and node.kind is NodeKind.LAYER:
                found[position] = not any(self.is_float_value[first[position] : first[position + 1]])
        return found

    @cached_property
    def first_value(self) -> Sequence[int]:
        """Per node, the number of its first value; one more entry at the end."""
        found, total = [0], 0
        for node in self.graph.nodes:
            total += len(node.outputs)
            found.append(total)
        return found

    @cached_property
    def is_float_value(self) -> bytearray:
        """Per value, whether it is floating point; one more entry at the end."""
        return bytearray([value.is_float for node in self.graph.nodes for value in node.outputs] + [False])

    @cached_property
    def owner(self) -> Sequence[int]:
        """Per value, the position of the node that produces it."""
        return [position for position, node in enumerate(self.graph.nodes) for _ in node.outputs]

    @cached_property
    def value_sources(self) -> Sequence[tuple[int, ...]]:
        """Per node, the floating-point values it computes on, one per edge, removed layers looked through.

        Index operands and integers are no data: they are never quantized.
        """
        first, is_float = self.first_value, self.is_float_value
        is_removed = bytearray(len(self.graph.nodes))
        for name in self.removed:
            is_removed[self.graph.index[name]] = 1
        carried: dict[int, int] = {}  # value of a removed layer -> the value it carries
        found: list[tuple[int, ...]] = []
        graph = self.graph
        for position, (node, producers) in enumerate(zip(graph.nodes, graph.producers, strict=True)):
            indices = _INDEX_OPERANDS.get(node.type)
            values = [first[p] + port.port for p, port in zip(producers, node.inputs, strict=True)]
            if is_removed[position]:
                carried[first[position]] = carried.get(values[0], values[0])
            if indices:
                values = [v for v, port in zip(values, node.inputs, strict=True) if port.role not in indices]
            if len(values) == 1:
                value = values[0]
                found.append((carried.get(value, value),) if is_float[value] else ())
            else:
                found.append(tuple([carried.get(value, value) for value in values if is_float[value]]))
        return found

    @cached_property
    def value_readers(self) -> Sequence[Sequence[int]]:
        """Per value, the positions of the nodes that stay and compute on it, one entry per edge."""
        found: list[tuple[int, ...] | list[int]] = [()] * self.first_value[-1]
        for position, values in enumerate(self.value_sources):
            if self.stays[position] or self.graph.nodes[position].kind is NodeKind.OUTPUT:
                for value in values:
                    readers = found[value]
                    if not readers:
                        found[value] = (position,)
                    elif isinstance(readers, list):
                        readers.append(position)
                    else:
                        found[value] = [*readers, position]
        return found

    def data_producers(self, position: int) -> Sequence[int]:
        """The positions of the producers of a node's sources, each once, in trace order."""
        values = self.value_sources[position]
        return (
            [self.owner[values[0]]] if len(values) == 1 else sorted({self.owner[value] for value in values})
        )

    def data_readers(self, position: int) -> Iterator[int]:
        """The positions of the nodes that stay and compute on one of a node's values."""
        for value in range(self.first_value[position], self.first_value[position + 1]):
            yield from self.value_readers[value]

    def all_readers(self, position: int) -> Sequence[int]:
        """The nodes that read any output of a node, also its integers, each once, in trace order.

        Removed layers are looked through.
        """
        graph = self.graph
        found: set[int] = set()
        waiting = list(graph.consumers[position])
        while waiting:
            reader = waiting.pop()
            if graph.nodes[reader].name in self.removed:
                waiting += graph.consumers[reader]
            else:
                found.add(reader)
        return sorted(found)

    # the same by name, for those who are no planners

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
        """`value_sources` by name and port."""
        return [tuple([self.key(value) for value in values]) for values in self.value_sources]

    @cached_property
    def readers(self) -> Mapping[ValueKey, Sequence[int]]:
        """`value_readers` by name and port, of those values that are read."""
        return {self.key(value): readers for value, readers in enumerate(self.value_readers) if readers}

    def key(self, value: int) -> ValueKey:
        """The name and port of a value."""
        position = self.owner[value]
        return self.graph.nodes[position].name, value - self.first_value[position]

    def data_ports(self, node: Node) -> Sequence[InputPort]:
        """The input ports of `node` that carry floating-point data."""
        indices = _INDEX_OPERANDS.get(node.type, ())
        return [
            port for port in node.inputs if port.role not in indices and self.graph.value(port.key).is_float
        ]


_INDEX_OPERANDS = {name: entry.index_operands for name, entry in OPERATORS.items() if entry.index_operands}
