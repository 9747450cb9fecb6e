"""What the semantics page says of a scenario, worked out slowly: decisions, groups and borders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from clika_core.ir.graph import Graph, InputPort, Node, NodeKind
from clika_core.ir.operators import OPERATORS, Trait, trait_of
from clika_core.ir.removals import removals
from clika_core.planning.decision import Cause, CauseKind, Precision
from clika_core.testing.strategies import Scenario
from tests.properties.oracle.causes import OwnCauses, own_causes, rules_in_force

Clauses: TypeAlias = frozenset[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One layer's precision and why.

    `inherited_from` holds one tuple for each clause of `inherited` that holds: float producers, the float
    head of the group, float consumers. Which of them is told where several hold is left open.
    """

    precision: Precision
    causes: frozenset[Cause]
    overridden: frozenset[Cause]
    group: str | None
    bits: tuple[int, int]
    inherited_from: Clauses = frozenset()


@dataclass(frozen=True, slots=True)
class Crossing:
    """A value that changes between float and the integer grid."""

    name: str
    producer: str
    port: int
    kind: str
    consumers: tuple[str, ...]


@dataclass
class Oracle:
    """The answers to one scenario; raises ContradictionError where it is an error."""

    scenario: Scenario
    removed: dict[str, str | None] = field(init=False)
    own: dict[str, OwnCauses] = field(init=False)
    heads: dict[str, str] = field(init=False)
    floats: set[str] = field(init=False)
    upstream: set[str] = field(init=False)

    def __post_init__(self) -> None:
        """Own causes, then groups, then what is inherited until nothing changes."""
        self.removed = removals(self.graph)
        self.own = own_causes(self.scenario, rules_in_force(self.scenario))
        self.kept = [node for node in self.graph.layers if node.name not in self.removed]
        self.heads = self._heads()
        by_themselves = {node.name for node in self.kept if self.own[node.name].held}
        self.upstream = self._closed(by_themselves, self._from_upstream)
        self.floats = self._closed(self.upstream, self._from_consumers)

    @property
    def graph(self) -> Graph:
        """The scenario's graph."""
        return self.scenario.graph

    def verdicts(self) -> dict[str, Verdict]:
        """One verdict per layer, in trace order."""
        return {node.name: self._verdict(node) for node in self.graph.layers}

    def crossings(self) -> list[Crossing]:
        """Every border."""
        found = []
        for node in self.graph.nodes:
            if node.name in self.removed or node.kind is NodeKind.OUTPUT:
                continue
            for port, value in enumerate(node.outputs):
                if value.is_float:
                    found += self._crossing(node, port)
        return found

    def _verdict(self, node: Node) -> Verdict:
        own = self.own[node.name]
        bits = (own.weights_num_bits, own.activations_num_bits)
        if node.name in self.removed:
            host = self.removed[node.name]
            return Verdict(
                Precision.REMOVED, frozenset(), frozenset(), self.heads[host] if host else None, bits
            )
        inherited = self._inherited(node)
        causes = own.held | ({Cause(CauseKind.INHERITED)} if inherited else set())
        precision = Precision.FLOAT if node.name in self.floats else Precision.QUANTIZED
        return Verdict(precision, causes, own.lost, self.heads[node.name], bits, inherited)

    def _heads(self) -> dict[str, str]:
        """The head of each kept layer's group; a layer that is not fused to another is its own."""
        heads: dict[str, str] = {}
        for node in self.kept:
            if node.name in heads:
                continue
            heads[node.name] = node.name
            followers = self.scenario.target.fusions.get(node.type, ())
            end = node
            while True:
                after = self._readers(end.name) if len(end.outputs) == 1 else []
                if len(after) != 1 or after[0].kind is not NodeKind.LAYER or after[0].type not in followers:
                    break
                if self.own[after[0].name].held and not self.own[node.name].held:
                    break
                end = after[0]
                heads[end.name] = node.name
        return heads

    def _closed(self, floats: set[str], inherited: Callable[[Node, set[str]], Clauses]) -> set[str]:
        """`floats` and, again and again, the layers that inherit from them."""
        while True:
            more = {node.name for node in self.kept if inherited(node, floats)} - floats
            if not more:
                return floats
            floats = floats | more

    def _inherited(self, node: Node) -> Clauses:
        """For each clause that holds, the layers that it holds because of.

        A producer that is float because all its consumers are is no reason for a consumer to be float.
        """
        return self._from_upstream(node, self.upstream) | self._from_consumers(node, self.floats)

    def _from_upstream(self, node: Node, floats: set[str]) -> Clauses:
        """A float head of the group, float producers of a layer that moves values."""
        head = self.heads[node.name]
        clauses: set[tuple[str, ...]] = {(head,)} if head != node.name and head in floats else set()
        if trait_of(node) is Trait.TRANSPARENT:
            producers = {source.name for source, _ in self._sources(node)} & floats
            clauses |= {tuple(self._in_order(producers))} if producers else set()
        return frozenset(clauses)

    def _from_consumers(self, node: Node, floats: set[str]) -> Clauses:
        """All consumers, if any, where they are float and only moves lie between the graph inputs and here."""
        readers = self._readers(node.name)
        if not readers or not self._sources(node) or not self._is_fed_by_the_outside(node):
            return frozenset()
        if any(reader.kind is NodeKind.LAYER and reader.name not in floats for reader in readers):
            return frozenset()
        return frozenset({tuple(reader.name for reader in readers)})

    def _is_fed_by_the_outside(self, node: Node) -> bool:
        """Whether only moves lie between the graph inputs and this layer."""
        return trait_of(node) is Trait.TRANSPARENT and all(
            source.kind is NodeKind.INPUT or self._is_fed_by_the_outside(source)
            for source, _ in self._sources(node)
        )

    def _sources(self, node: Node) -> list[tuple[Node, int]]:
        """Node and port of each floating-point data input, looked for behind removed layers."""
        entry = OPERATORS.get(node.type)
        indices = entry.index_operands if entry else ()
        behind = [self._source(port) for port in node.inputs if port.role not in indices]
        return [(source, port) for source, port in behind if source.outputs[port].is_float]

    def _source(self, port: InputPort) -> tuple[Node, int]:
        node = self.graph[port.producer]
        return self._source(node.inputs[0]) if node.name in self.removed else (node, port.port)

    def _readers(self, name: str, port: int | None = None) -> list[Node]:
        """The kept layers and outputs that read the value, looked for behind removed layers."""
        found: set[str] = set()
        for node in self.graph.nodes:
            if any(read.producer == name and port in (None, read.port) for read in node.inputs):
                is_removed = node.name in self.removed
                found |= {reader.name for reader in self._readers(node.name)} if is_removed else {node.name}
        return [self.graph[reader] for reader in self._in_order(found)]

    def _in_order(self, names: set[str]) -> list[str]:
        return [node.name for node in self.graph.nodes if node.name in names]

    def _crossing(self, node: Node, port: int) -> list[Crossing]:
        """The border of one floating-point value, if it has one."""
        is_quantized = node.kind is NodeKind.LAYER and node.name not in self.floats
        others = [
            reader.name
            for reader in self._readers(node.name, port)
            if is_quantized is (reader.kind is NodeKind.OUTPUT or reader.name in self.floats)
        ]
        if not others:
            return []
        kind = "dequantize" if is_quantized else "quantize"
        name = f"{node.name}{f'.{port}' if port else ''}_{kind}d"
        return [Crossing(name, node.name, port, kind, tuple(others))]
