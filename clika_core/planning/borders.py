"""Borders: where a value changes between float and the integer grid. One per value, shared by its readers."""

from __future__ import annotations

from collections.abc import Collection

from clika_core.ir.graph import NodeKind, ValueKey
from clika_core.planning.decision import Border, BorderKind
from clika_core.planning.wiring import Wiring

_SUFFIX = {BorderKind.QUANTIZE: "quantized", BorderKind.DEQUANTIZE: "dequantized"}


def place_borders(wiring: Wiring, floats: Collection[str]) -> tuple[Border, ...]:
    """All borders, in trace order of their producers and ports. None lies inside a group: its members agree."""
    index = wiring.graph.index
    keys = sorted(wiring.readers, key=lambda key: (index[key[0]], key[1]))
    found = (_border(wiring, key, floats) for key in keys)
    return tuple(border for border in found if border is not None)


def _border(wiring: Wiring, key: ValueKey, floats: Collection[str]) -> Border | None:
    graph = wiring.graph
    producer = graph[key[0]]
    is_float = producer.kind is NodeKind.INPUT or producer.name in floats
    readers = [graph.nodes[position] for position in sorted(set(wiring.readers[key]))]
    crossing = tuple(
        reader.name
        for reader in readers
        if (reader.kind is NodeKind.OUTPUT or reader.name in floats) != is_float
    )
    if not crossing:
        return None
    kind = BorderKind.QUANTIZE if is_float else BorderKind.DEQUANTIZE
    name = producer.name if key[1] == 0 else f"{producer.name}.{key[1]}"
    return Border(f"{name}_{_SUFFIX[kind]}", producer.name, key[1], kind, crossing)
