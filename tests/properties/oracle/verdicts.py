"""What the semantics page says of a scenario, worked out slowly: decisions, groups and borders."""

from __future__ import annotations

from dataclasses import dataclass, field

from clika_core.ir.graph import Graph, InputPort, Node, NodeKind
from clika_core.ir.operators import OPERATORS, Trait, trait_of
from clika_core.ir.removals import removals
from clika_core.planning.decision import Cause, CauseKind, Precision
from clika_core.testing.strategies import Scenario
from tests.properties.oracle.causes import OwnCauses, own_causes, rules_in_force


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
    inherited_from: frozenset[tuple[str, ...]] = frozenset()


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

    def __post_init__(self) -> None:
        """Own causes, then groups, then what is inherited until nothing changes."""
        self.removed = removals(self.graph)
        self.own = own_causes(self.scenario, rules_in_force(self.scenario))
        self.kept = [node for node in self.graph.layers if node.name not in self.removed]
        self.heads = self._heads()
        self.floats = {node.name for node in self.kept if self.own[node.name].held}
        while True:
            more = {node.name for node in self.kept if self._inherited(node)} - self.floats
            if not more:
                break
            self.floats |= more

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
                after = self._readers(end.name)
                if len(after) != 1 or after[0].kind is not NodeKind.LAYER or after[0].type not in followers:
                    break
                if self.own[after[0].name].held and not self.own[node.name].held:
                    break
                end = after[0]
                heads[end.name] = node.name
        return heads

    def _inherited(self, node: Node) -> frozenset[tuple[str, ...]]:
        """For each clause that holds now, the layers that it holds because of."""
        clauses: list[tuple[str, ...]] = []
        head = self.heads[node.name]
        if head != node.name and head in self.floats:
            clauses.append((head,))
        if trait_of(node) is Trait.TRANSPARENT:
            producers = {source.name for source, _ in self._sources(node)}
            clauses.append(tuple(name for name in self._in_order(producers) if name in self.floats))
            if self._sources(node) and self._is_fed_by_the_outside(node):
                readers = self._readers(node.name)
                if all(reader.kind is NodeKind.OUTPUT or reader.name in self.floats for reader in readers):
                    clauses.append(tuple(reader.name for reader in readers))
        return frozenset(clause for clause in clauses if clause)

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
