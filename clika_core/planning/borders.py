"""Borders: where a value changes between float and the integer grid. One per value, shared by its readers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clika_core.planning.decision import Border, BorderKind
from clika_core.planning.wiring import Wiring

_SUFFIX = {BorderKind.QUANTIZE: "quantized", BorderKind.DEQUANTIZE: "dequantized"}


class Borders:
    """All borders, kept up to date. None lies inside a group: its members agree."""

    def __init__(self, wiring: Wiring) -> None:
        """No layer is float yet, only what enters and leaves the graph."""
        self._wiring = wiring
        self._found: dict[int, Border] = {}
        graph = wiring.graph
        is_float = bytearray(len(graph))
        ends = [graph.index[node.name] for node in (*graph.inputs, *graph.outputs)]
        for position in ends:
            is_float[position] = 1
        self.place(ends, is_float)

    def place(self, turned: Iterable[int], is_float: Sequence[int]) -> None:
        """Take in that the nodes at `turned` turned float or quantized."""
        sources, further = self._wiring.value_sources, self._wiring.further_values
        values = set(turned)
        values.update(*[sources[position] for position in values])
        values.update(*[further[position] for position in further.keys() & values])
        owner, readers, found = self._wiring.owner, self._wiring.value_readers, self._found
        for value in values:
            comes_float = is_float[owner[value]]
            for reader in readers[value]:
                if is_float[reader] != comes_float:
                    found[value] = self._border(value, is_float)
                    break
            else:
                found.pop(value, None)

    def all(self) -> tuple[Border, ...]:
        """In trace order of their producers and ports."""
        owner = self._wiring.owner
        return tuple(
            [self._found[value] for value in sorted(self._found, key=lambda value: (owner[value], value))]
        )

    def _border(self, value: int, is_float: Sequence[int]) -> Border:
        """The border of a value for the readers that want it otherwise."""
        names, comes_float = self._wiring.names, is_float[self._wiring.owner[value]]
        readers = {reader for reader in self._wiring.value_readers[value] if is_float[reader] != comes_float}
        producer, port = self._wiring.key(value)
        kind = BorderKind.QUANTIZE if comes_float else BorderKind.DEQUANTIZE
        name = producer if port == 0 else f"{producer}.{port}"
        consumers = tuple([names[reader] for reader in sorted(readers)])
        return Border(f"{name}_{_SUFFIX[kind]}", producer, port, kind, consumers)
