"""From a recording to a graph: which operations are layers, how they are named, what their weights are.

    records -> checked -> classified (dependence) -> unreachable ones dropped -> composites -> named nodes

Every framework's trace goes through here, so that a model gives the same graph whoever traced it, on every
run and for every batch size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from clika_core.diagnostics import Diagnostic, Severity
from clika_core.frozen import frozen
from clika_core.ir.collection import paused_collection
from clika_core.ir.composites.recognition import recogniser
from clika_core.ir.dependence import Dependences, dependences
from clika_core.ir.graph import Graph, InputPort, Node, NodeKind, Primitive, Value, ValueKey, Weight
from clika_core.ir.naming import Names, input_names, snake_case
from clika_core.ir.operators import OPERATORS
from clika_core.ir.paths import normalise_path
from clika_core.ir.recording import Record, RecordedOutput, Recording, RecordKind, Ref, Region
from clika_core.ir.recording_check import check_recording
from clika_core.ir.symbols import SymbolNames


@frozen
class Assembly:
    """The graph, how a backend runs each of its layers, and what there is to say about the trace."""

    graph: Graph
    regions: Mapping[str, Region]
    diagnostics: tuple[Diagnostic, ...]


def assemble(recording: Recording) -> Assembly:
    """The graph of a recording.

    Raises GraphError where the recording breaks its contract: a backend's mistake, not the user's.
    """
    check_recording(recording)
    with paused_collection():
        return _assemble(recording)


def _assemble(recording: Recording) -> Assembly:
    known = dependences(recording.records, sizes_are_layers=recording.sizes_are_layers)
    layers, dropped = _reachable(recording, known)
    layers = recogniser().recognise(recording, layers, known)
    builder = _Builder(recording, known)
    builder.add_inputs([record for record in recording.records if record.kind is RecordKind.INPUT])
    for record in layers:
        builder.add_layer(record)
    builder.add_outputs(recording.outputs)
    diagnostics = (*map(_unreachable, dropped), *_unknown_operators(builder.nodes))
    graph = Graph(
        tuple(builder.nodes), recording.name, recording.backend, recording.framework_version, diagnostics
    )
    return Assembly(graph, MappingProxyType(builder.regions), diagnostics)


def _reachable(recording: Recording, known: Dependences) -> tuple[list[Record], list[Record]]:
    """The operations on data from which an output can be reached, and those from which none can, in order."""
    needed = {output.ref.record for output in recording.outputs}
    kept: list[Record] = []
    dropped: list[Record] = []
    for record in reversed(recording.records):
        if record.kind is RecordKind.INPUT or not known.is_data(Ref(record.id)):
            continue
        if record.id not in needed:
            dropped.append(record)
            continue
        kept.append(record)
        needed.update(ref.record for _, ref in record.operands)
    return kept[::-1], dropped[::-1]


class _Builder:
    """Nodes so far, and which value of the recording each of their outputs is."""

    def __init__(self, recording: Recording, known: Dependences) -> None:
        self.nodes: list[Node] = []
        self.regions: dict[str, Region] = {}
        self._known = known
        self._records = {record.id: record for record in recording.records}
        self._names = Names()
        self._symbols = SymbolNames()
        self._keys: dict[Ref, ValueKey] = {}

    def add_inputs(self, records: Sequence[Record]) -> None:
        """One input node each, named after its argument; those without one are numbered."""
        names = input_names([record.path for record in records], self._names)
        for record, name in zip(records, names, strict=True):
            outputs = self._outputs(record, name)
            aliases = _other_names(name, record.aliases)
            self.nodes.append(Node(name, "input", NodeKind.INPUT, outputs=outputs, aliases=aliases))

    def add_layer(self, record: Record) -> None:
        """One layer with its edges, its parametric operands as weights, and its region."""
        name = self._names.number(snake_case(record.type))
        edges = [(role, ref) for role, ref in record.operands if self._known.is_data(ref)]
        weights = [(role, ref) for role, ref in record.operands if self._known.is_operand(ref)]
        path = normalise_path(record.path or "") or None
        node = Node(
            name,
            record.type,
            NodeKind.LAYER,
            inputs=tuple(InputPort(*self._keys[ref], role) for role, ref in edges),
            attributes=MappingProxyType(self._symbols.attributes(record.attributes)),
            outputs=self._outputs(record, name),
            weights=tuple(self._weight(role, ref) for role, ref in weights),
            path=path,
            aliases=_other_names(name, (path, *record.aliases)),
            source=record.source,
            body=tuple(Primitive(part.type, _framework_name(part)) for part in record.body),
        )
        self.nodes.append(node)
        operations = (part.id for part in record.body or (record,) if self._known.is_data(Ref(part.id)))
        self.regions[name] = Region(
            operations=tuple(operations),
            inputs=tuple(ref for _, ref in edges),
            weights=MappingProxyType(dict(weights)),
            outputs=tuple(Ref(record.id, port) for port in range(len(record.outputs))),
        )

    def add_outputs(self, outputs: Sequence[RecordedOutput]) -> None:
        """One output node each; a result that depends on no input is first made a `constant` layer."""
        for output in outputs:
            if output.ref not in self._keys:
                self._add_constant(output.ref)
        for output in outputs:
            name = self._names.number("output")
            port = InputPort(*self._keys[output.ref])
            aliases = _other_names(name, (normalise_path(output.path),))
            self.nodes.append(Node(name, "output", NodeKind.OUTPUT, (port,), aliases=aliases))

    def _add_constant(self, ref: Ref) -> None:
        """A layer that yields a parameter, an expression of parameters, or a tensor made of sizes."""
        name = self._names.number("constant")
        weights = {"value": ref} if self._known.is_operand(ref) else {}
        value = self._symbols.value(self._value(ref))
        parametric = tuple(self._weight(role, held) for role, held in weights.items())
        self.nodes.append(Node(name, "constant", NodeKind.LAYER, outputs=(value,), weights=parametric))
        self.regions[name] = Region((), (), MappingProxyType(weights), (ref,))
        self._keys[ref] = (name, 0)

    def _outputs(self, record: Record, name: str) -> tuple[Value, ...]:
        """The record's results under the names of the graph; readers find them by `name` from here on."""
        for port in range(len(record.outputs)):
            self._keys[Ref(record.id, port)] = (name, port)
        return tuple(map(self._symbols.value, record.outputs))

    def _value(self, ref: Ref) -> Value:
        return self._records[ref.record].outputs[ref.port]

    def _weight(self, role: str, ref: Ref) -> Weight:
        value = self._value(ref)
        shape = zip(value.shape, value.example_shape, strict=True)
        fixed = tuple(1 if isinstance(size, str) else example for size, example in shape)
        return Weight(role, fixed, value.dtype, self._known.identity(ref))


def _other_names(name: str, others: Iterable[str | None]) -> tuple[str, ...]:
    """Aliases in order, each once, none empty or the name itself."""
    return tuple(dict.fromkeys(other for other in others if other and other != name))


def _framework_name(record: Record) -> str:
    return record.aliases[0] if record.aliases else record.id


def _unreachable(record: Record) -> Diagnostic:
    where = f" in {normalise_path(record.path)!r}" if record.path else ""
    return Diagnostic(
        "unreachable-layer",
        Severity.INFO,
        f"{record.type} {_framework_name(record)!r}{where} leads to no output of the model: it is left out",
        record.source,
        (_framework_name(record),),
    )


def _unknown_operators(nodes: Sequence[Node]) -> Iterator[Diagnostic]:
    """One finding per operator type outside the vocabulary, with its layers."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        if node.kind is NodeKind.LAYER and node.type not in OPERATORS:
            found.setdefault(node.type, []).append(node.name)
    for type_name, layers in found.items():
        yield Diagnostic(
            "unknown-operator",
            Severity.INFO,
            f"operator {type_name!r} is not in the vocabulary: its {len(layers)} layer(s) stay float",
            related=tuple(layers),
        )
