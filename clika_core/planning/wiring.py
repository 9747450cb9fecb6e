"""The graph as planning reads it: removed layers looked through, operands that are no values left out.

Everything stands beside the nodes, in lists by position, and values are numbers, so that a plan never looks up a
name. The first output of a node has the number of the node's position, so that for most nodes the values read are
the producers' positions; further outputs (of a split, say) are numbered behind all nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    def names(self) -> Sequence[str]:
        """The name of each node, by position."""
        return [node.name for node in self.graph.nodes]

    @cached_property
    def layers(self) -> Sequence[int]:
        """The positions of the layers."""
        return [p for p, node in enumerate(self.graph.nodes) if node.kind is _LAYER]

    @cached_property
    def is_removed(self) -> bytearray:
        """Per node: a layer that preprocessing takes out."""
        return self._flags(map(self.graph.index.__getitem__, self.removed))

    @cached_property
    def stays(self) -> bytearray:
        """Per node: a layer that preprocessing does not take out."""
        found = self._flags(self.layers)
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
        is_float = self.is_float_value
        return self._flags(
            p for p in self.layers if not is_float[p] and not any(is_float[v] for v in self.values_of(p))
        )

    @cached_property
    def further_values(self) -> Mapping[int, range]:
        """The values of each node that has several, but for the first."""
        found, total = {}, len(self.graph.nodes)
        for position, node in enumerate(self.graph.nodes):
            if len(node.outputs) > 1:
                found[position] = range(total, total := total + len(node.outputs) - 1)
        return found

    @cached_property
    def is_float_value(self) -> bytearray:
        """Per value, whether it is floating point; a node without outputs has none."""
        nodes = self.graph.nodes
        found = bytearray([bool(node.outputs) and node.outputs[0].is_float for node in nodes])
        for position in self.further_values:
            found += bytes([value.is_float for value in nodes[position].outputs[1:]])
        return found

    @cached_property
    def owner(self) -> Sequence[int]:
        """Per value, the position of the node that produces it."""
        found = list(range(len(self.graph.nodes)))
        for position, values in self.further_values.items():
            found += [position] * len(values)
        return found

    def values_of(self, position: int) -> Sequence[int]:
        """The values that a node produces, by port."""
        return (position, *self.further_values.get(position, ()))

    @cached_property
    def value_sources(self) -> Sequence[Sequence[int]]:
        """Per node, the floating-point values it computes on, one per edge, removed layers looked through.

        Index operands and integers are no data: they are never quantized. Where nothing of that occurs these are
        the positions of the producers.
        """
        nodes, is_removed, is_float = self.graph.nodes, self.is_removed, self.is_float_value
        odd = {p for p in range(len(nodes)) if is_removed[p] or not is_float[p]}.union(self.further_values)
        carried: dict[int, int] = {}  # value of a removed layer -> the value it carries
        found: list[Sequence[int]] = []
        for position, (node, producers) in enumerate(zip(nodes, self.graph.producers, strict=True)):
            if is_removed[position]:
                value = self._value(producers[0], node.inputs[0].port)
                carried[position] = carried.get(value, value)
            if node.type in _INDEX_OPERANDS or not odd.isdisjoint(producers):
                values = [self._value(p, port.port) for p, port in self._data_operands(node, producers)]
                found.append(tuple([carried.get(value, value) for value in values if is_float[value]]))
            else:
                found.append(producers)
        return found

    @staticmethod
    def _data_operands(node: Node, producers: Sequence[int]) -> Iterator[tuple[int, InputPort]]:
        """The operands that select no positions, each with its producer."""
        indices = _INDEX_OPERANDS.get(node.type, ())
        pairs = zip(producers, node.inputs, strict=True)
        return (pair for pair in pairs if pair[1].role not in indices)

    @cached_property
    def value_readers(self) -> Sequence[Sequence[int]]:
        """Per value, the positions of the nodes that stay and compute on it, one entry per edge."""
        found: list[list[int]] = [[] for _ in self.owner]
        is_removed = self.is_removed
        for position, values in enumerate(self.value_sources):
            if not is_removed[position]:
                for value in values:
                    found[value].append(position)
        return found

    @cached_property
    def data_producers(self) -> Sequence[Sequence[int]]:
        """Per node, the positions of the producers of its sources, one entry per edge."""
        further, owner = frozenset(range(len(self.graph), len(self.owner))), self.owner
        return [
            values if further.isdisjoint(values) else tuple([owner[value] for value in values])
            for values in self.value_sources
        ]

    def data_readers(self, position: int) -> Iterable[int]:
        """The positions of the nodes that stay and compute on one of a node's values."""
        readers = self.value_readers
        further = self.further_values.get(position)
        return readers[position] if further is None else [r for v in (position, *further) for r in readers[v]]

    def all_readers(self, position: int) -> Sequence[int]:
        """The nodes that read any output of a node, also its integers, each once, in trace order.

        Removed layers are looked through.
        """
        consumers, is_removed = self.graph.consumers, self.is_removed
        found: set[int] = set()
        waiting = list(consumers[position])
        while waiting:
            reader = waiting.pop()
            if is_removed[reader]:
                waiting += consumers[reader]
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
        port = 0 if value == position else value - self.further_values[position].start + 1
        return self.names[position], port

    def data_ports(self, node: Node) -> Sequence[InputPort]:
        """The input ports of `node` that carry floating-point data."""
        indices = _INDEX_OPERANDS.get(node.type, ())
        return [
            port for port in node.inputs if port.role not in indices and self.graph.value(port.key).is_float
        ]

    def _value(self, position: int, port: int) -> int:
        return self.further_values[position][port - 1] if port else position

    def _flags(self, positions: Iterable[int]) -> bytearray:
        """A flag per node, set at these positions."""
        found = bytearray(len(self.graph.nodes))
        for position in positions:
            found[position] = 1
        return found


_LAYER = NodeKind.LAYER  # an attribute of an enum is slow to look up
_INDEX_OPERANDS = {name: entry.index_operands for name, entry in OPERATORS.items() if entry.index_operands}
