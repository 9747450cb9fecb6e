"""Borders: where a value changes between float and the integer grid. One per value, shared by its readers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clika_core.ir.graph import NodeKind
from clika_core.planning.decision import Border, BorderKind
from clika_core.planning.wiring import Wiring

_SUFFIX = {BorderKind.QUANTIZE: "quantized", BorderKind.DEQUANTIZE: "dequantized"}


class Borders:
    """All borders, kept up to date. None lies inside a group: its members agree."""

    def __init__(self, wiring: Wiring) -> None:
        """No layer is float yet."""
        self._wiring = wiring
        self._found: dict[int, Border] = {}
        ends = [p for p, node in enumerate(wiring.graph.nodes) if node.kind is not NodeKind.LAYER]
        is_float = bytearray(node.kind is NodeKind.OUTPUT for node in wiring.graph.nodes)
        self.place(ends, is_float)

    def place(self, turned: Iterable[int], is_float: Sequence[int]) -> None:
        """Take in that the nodes at `turned` turned float or quantized."""
        values: set[int] = set()
        first = self._wiring.first_value
        for position in turned:
            values.update(range(first[position], first[position + 1]))
            values.update(self._wiring.value_sources[position])
        for value in values:
            border = self._border(value, is_float)
            if border is not None:
                self._found[value] = border
            else:
                self._found.pop(value, None)

    def all(self) -> tuple[Border, ...]:
        """In trace order of their producers and ports."""
        return tuple([self._found[value] for value in sorted(self._found)])

    def _border(self, value: int, is_float: Sequence[int]) -> Border | None:
        readers = self._wiring.value_readers[value]
        position = self._wiring.owner[value]
        nodes = self._wiring.graph.nodes
        producer = nodes[position]
        comes_float = bool(is_float[position]) or producer.kind is NodeKind.INPUT
        crossing = {reader for reader in readers if is_float[reader] != comes_float}
        if not crossing:
            return None
        kind = BorderKind.QUANTIZE if comes_float else BorderKind.DEQUANTIZE
        port = value - self._wiring.first_value[position]
        name = producer.name if port == 0 else f"{producer.name}.{port}"
        consumers = tuple([nodes[reader].name for reader in sorted(crossing)])
        return Border(f"{name}_{_SUFFIX[kind]}", producer.name, port, kind, consumers)
