"""What layers cost, added up: for rules that speak of shares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from clika_core.ir.costs import multiply_accumulates, weight_bytes
from clika_core.ir.graph import Graph


class Costs:
    """Multiply-accumulates (of the example batch) and weight bytes, by layer."""

    def __init__(self, graph: Graph) -> None:
        """Of the layers of `graph`."""
        self.graph = graph

    @cached_property
    def multiply_accumulates(self) -> Mapping[str, int]:
        """By layer name; 0 for layers without a weight."""
        return {node.name: multiply_accumulates(node) for node in self.graph.layers}

    @cached_property
    def weight_bytes(self) -> Mapping[str, int]:
        """By layer name, as traced; a tied weight counts at each use."""
        return {node.name: weight_bytes(node) for node in self.graph.layers}

    def share_of_multiply_accumulates(self, layers: Iterable[str]) -> float:
        """Of the whole model, from 0 to 1; 0 for a model without any."""
        return _share(self.multiply_accumulates, layers, self._all_multiply_accumulates)

    def share_of_weight_bytes(self, layers: Iterable[str]) -> float:
        """Of the whole model, from 0 to 1; 0 for a model without any."""
        return _share(self.weight_bytes, layers, self._all_weight_bytes)

    @cached_property
    def _all_multiply_accumulates(self) -> int:
        return sum(self.multiply_accumulates.values())

    @cached_property
    def _all_weight_bytes(self) -> int:
        return sum(self.weight_bytes.values())


def _share(cost: Mapping[str, int], layers: Iterable[str], total: int) -> float:
    return sum(cost.get(layer, 0) for layer in layers) / total if total else 0.0
