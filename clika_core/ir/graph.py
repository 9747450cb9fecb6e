"""`Graph`: named nodes with typed values between numbered ports. No framework object, no weight data.

Invariants, checked when a graph is made:

- names are unique; every input port names an earlier node and one of its outputs: the order is topological;
- input nodes have no inputs, output nodes exactly one input and no outputs;
- the example shape of a value agrees with its symbolic shape, size by size;
- order is trace order: the order in which the model ran.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from clika_core.diagnostics import Diagnostic
from clika_core.errors import GraphError, Location, nearest
from clika_core.frozen import field, frozen

if TYPE_CHECKING:
    from pathlib import Path

Scalar: TypeAlias = bool | int | float | str | None
AttributeValue: TypeAlias = "Scalar | tuple[AttributeValue, ...]"
Shape: TypeAlias = tuple[int | str, ...]
ValueKey: TypeAlias = tuple[str, int]  # (producer's name, output port)

_FLOATS = frozenset({"float16", "bfloat16", "float32", "float64", "float8_e4m3fn", "float8_e5m2"})


class NodeKind(StrEnum):
    """What a node stands for."""

    INPUT = "input"
    LAYER = "layer"
    OUTPUT = "output"


@frozen
class Value:
    """What one output port carries.

    `shape` is symbolic: `("d0", 64, 7, 7)` where `d0` is a dimension free to change, such as the batch.
    `example_shape` holds the sizes seen while tracing.
    """

    dtype: str
    shape: Shape
    example_shape: tuple[int, ...]

    @property
    def is_float(self) -> bool:
        """Whether the elements are floating point: only such values are quantized."""
        return self.dtype in _FLOATS


@frozen
class InputPort:
    """One operand: output `port` of node `producer`, used in the operand `role` (`input`, `other`, ...)."""

    producer: str
    port: int = 0
    role: str = "input"

    @property
    def key(self) -> ValueKey:
        """The value read here."""
        return (self.producer, self.port)


@frozen
class Weight:
    """A parametric operand: its `role` (`weight`, `bias`, ...), shape, dtype, and `identity`.

    Two uses of one tensor have one identity. Constants that are no parameter carry an identity of their own. An
    operand that is repeated along an axis of free size (a mask spread over the batch) has size 1 there.
    """

    role: str
    shape: tuple[int, ...]
    dtype: str
    identity: str


@frozen
class Primitive:
    """One operation inside a recognised composite, kept for the reader."""

    type: str
    framework_name: str


@frozen
class Node:
    """A graph input, a layer, or a graph output."""

    name: str
    type: str
    kind: NodeKind
    inputs: tuple[InputPort, ...] = ()
    outputs: tuple[Value, ...] = ()
    attributes: Mapping[str, AttributeValue] = MappingProxyType({})
    weights: tuple[Weight, ...] = ()
    path: str | None = None
    aliases: tuple[str, ...] = ()
    source: Location | None = None
    body: tuple[Primitive, ...] = ()

    def weight(self, role: str) -> Weight | None:
        """The weight used as operand `role`, if that operand is parametric."""
        return next((weight for weight in self.weights if weight.role == role), None)

    def input_of(self, role: str) -> InputPort | None:
        """The input port used as operand `role`."""
        return next((port for port in self.inputs if port.role == role), None)


@frozen(slots=False)
class Graph:
    """A model's layers in trace order, with its inputs and outputs.

    `backend` and `framework_version` say where it came from; they never change a decision.
    """

    nodes: tuple[Node, ...]
    name: str = "model"
    backend: str = ""
    framework_version: str = ""
    diagnostics: tuple[Diagnostic, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        """Check the invariants of the module docstring."""
        self._edges  # noqa: B018 - what the check looks up is kept

    @cached_property
    def _edges(self) -> tuple[Mapping[str, int], tuple[tuple[int, ...], ...]]:
        """`index` and `producers`. Raises GraphError where an invariant does not hold."""
        index: dict[str, int] = {}
        producers: list[tuple[int, ...]] = []
        for position, node in enumerate(self.nodes):
            _check_node(node, index)
            producers.append(_producers(node, index, self.nodes))
            index[node.name] = position
        return index, tuple(producers)

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Position of each node by name."""
        return self._edges[0]

    @cached_property
    def inputs(self) -> tuple[Node, ...]:
        """The graph inputs."""
        return self._of_kind(NodeKind.INPUT)

    @cached_property
    def layers(self) -> tuple[Node, ...]:
        """The layers, in trace order."""
        return self._of_kind(NodeKind.LAYER)

    @cached_property
    def outputs(self) -> tuple[Node, ...]:
        """The graph outputs."""
        return self._of_kind(NodeKind.OUTPUT)

    def _of_kind(self, kind: NodeKind) -> tuple[Node, ...]:
        return tuple([node for node in self.nodes if node.kind is kind])

    @cached_property
    def producers(self) -> tuple[tuple[int, ...], ...]:
        """For each node, the positions of the nodes it reads, one entry per input port."""
        return self._edges[1]

    @cached_property
    def consumers(self) -> tuple[tuple[int, ...], ...]:
        """For each node, the positions of the nodes that read it, one entry per edge."""
        found: list[list[int]] = [[] for _ in self.nodes]
        for position, sources in enumerate(self.producers):
            for source in sources:
                found[source].append(position)
        return tuple(map(tuple, found))

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of what planning depends on: equal fingerprints give equal decisions."""
        from clika_core.ir.fingerprint import fingerprint

        return fingerprint(self)

    def value(self, key: ValueKey) -> Value:
        """The value at output `key[1]` of node `key[0]`."""
        name, port = key
        position = self.index.get(name)
        return (self[name] if position is None else self.nodes[position]).outputs[port]

    def __getitem__(self, name: str) -> Node:
        """The node of that exact name; raises GraphError with the nearest names."""
        position = self.index.get(name)
        if position is None:
            close = ", ".join(nearest(name, list(self.index)))
            fix = (
                f"nearest names: {close}" if close else "graph.layers, graph.inputs, graph.outputs list them"
            )
            raise GraphError(f"the graph has no node {name!r}", fix=fix)
        return self.nodes[position]

    def __contains__(self, name: object) -> bool:
        """Whether a node has that exact name."""
        return name in self.index

    def __len__(self) -> int:
        """Number of nodes, inputs and outputs included."""
        return len(self.nodes)

    def __iter__(self) -> Iterator[Node]:
        """The nodes in trace order."""
        return iter(self.nodes)

    def save(self, path: str | Path) -> None:
        """Write `model.graph.json`; see `clika_core.ir.snapshot`."""
        from clika_core.ir.snapshot import save_graph

        save_graph(self, path)


def _producers(node: Node, index: Mapping[str, int], nodes: Sequence[Node]) -> tuple[int, ...]:
    """The positions of the nodes read; raises GraphError where one is not in `index`, or has no such output."""
    found = []
    for port in node.inputs:
        position = index.get(port.producer)
        if position is None:
            raise GraphError(
                f"node {node.name!r} reads {port.producer!r}, which does not come before it",
                expected="nodes in topological order",
            )
        num_outputs = len(nodes[position].outputs)
        if not 0 <= port.port < num_outputs:
            raise GraphError(
                f"node {node.name!r} reads output {port.port} of {port.producer!r}",
                found=f"{num_outputs} output(s)",
            )
        found.append(position)
    return tuple(found)


def _check_node(node: Node, earlier: Container[str]) -> None:
    """Raise GraphError unless `node` may follow nodes of these names."""
    if node.name in earlier:
        raise GraphError(f"two nodes are named {node.name!r}", expected="unique names")
    for value in node.outputs:
        _check_shapes(node, value)
    if node.kind is NodeKind.INPUT and node.inputs:
        raise GraphError(f"input node {node.name!r} has inputs")
    if node.kind is NodeKind.OUTPUT and (len(node.inputs) != 1 or node.outputs):
        raise GraphError(f"output node {node.name!r} must have exactly one input and no outputs")


def _check_shapes(node: Node, value: Value) -> None:
    """Raise GraphError where a size that is fixed was another one in the example."""
    if value.shape == value.example_shape:
        return
    pairs = zip(value.shape, value.example_shape, strict=False)
    agree = all(size == example or isinstance(size, str) for size, example in pairs)
    if len(value.shape) != len(value.example_shape) or not agree:
        raise GraphError(
            f"the shapes of an output of {node.name!r} contradict each other",
            found=f"{value.shape} and, in the example, {value.example_shape}",
        )
