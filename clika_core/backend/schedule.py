"""`Schedule`: the layers of a graph as steps, each with the native operations it runs and what it may let go of.

Operations outside all layers (expressions of parameters, sizes) are *helpers*: computed natively where a step
first needs them, once per run. A helper that depends on a layer's weights runs inside that layer instead, so that
other weights reach it. A backend whose traces are lists of native operations runs its layers by this.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic

from clika_core.backend.operation_table import Native, OperationTable
from clika_core.ir.graph import Graph, Node
from clika_core.ir.recording import Ref, Region


@dataclass(frozen=True, slots=True)
class Step(Generic[Native]):
    """One layer about to run.

    `inputs` and `weights` name the values that stand in `region`'s places, `body` what runs, `helpers` what has
    to be computed before, `frees` what nobody reads afterwards. `dtypes` are those of the traced inputs.
    """

    node: Node
    region: Region
    inputs: tuple[Ref, ...]
    weights: Mapping[str, Ref]
    body: tuple[Native, ...]
    helpers: tuple[Native, ...]
    dtypes: tuple[str, ...]
    frees: tuple[Ref, ...] = ()

    @property
    def only_operation(self) -> Native | None:
        """The native operation, where the layer is a single one: its operands have slots."""
        return self.body[0] if len(self.body) == 1 else None


@dataclass(frozen=True, eq=False)
class Schedule(Generic[Native]):
    """Steps in order; `outputs` stand beside `graph.outputs`.

    `passed` maps the result of every removed layer to the value that stands in for it. `state` are the ids of
    the parameters, buffers and constants that a run reads.
    """

    steps: tuple[Step[Native], ...]
    outputs: tuple[Ref, ...]
    passed: Mapping[Ref, Ref]
    state: frozenset[str]

    def __deepcopy__(self, memo: dict[int, Any]) -> Schedule[Native]:
        """The schedule itself: it never changes."""
        return self


def make_schedule(
    table: OperationTable[Native],
    graph: Graph,
    regions: Mapping[str, Region],
    removed: Collection[str] = (),
    overridden: Collection[tuple[str, str]] = (),
) -> Schedule[Native]:
    """The schedule that passes over `removed` layers and does not read the (layer, role) in `overridden`."""
    return _Scheduler(table, graph, regions, removed, overridden).schedule()


class _Scheduler(Generic[Native]):
    """Builds one schedule: first the steps with what they read, then, backwards, what each may free."""

    def __init__(
        self,
        table: OperationTable[Native],
        graph: Graph,
        regions: Mapping[str, Region],
        removed: Collection[str],
        overridden: Collection[tuple[str, str]],
    ) -> None:
        self._table, self._graph, self._regions = table, graph, regions
        self._removed, self._overridden = frozenset(removed), frozenset(overridden)
        self._computed = {ref for r in regions.values() if r.operations for ref in r.outputs}
        self._passed: dict[Ref, Ref] = {}
        self._done: set[str] = set()
        self._state: set[str] = set()

    def schedule(self) -> Schedule[Native]:
        """All of it."""
        steps: list[Step[Native]] = []
        reads: list[set[Ref]] = []
        for node in self._graph.layers:
            if node.name in self._removed:
                self._pass_over(self._regions[node.name])
            else:
                step, read = self._step(node, self._regions[node.name])
                steps.append(step)
                reads.append(read)
        outputs = tuple(map(self._source, self._graph_outputs()))
        reads.append(set(outputs))
        frees = self._last_reads(steps, reads)
        freeing = tuple(replace(step, frees=free) for step, free in zip(steps, frees, strict=True))
        return Schedule(freeing, outputs, self._passed, frozenset(self._state))

    def _pass_over(self, region: Region) -> None:
        """Whoever reads the layer's result reads its input."""
        operand = region.inputs[0] if region.inputs else next(iter(region.weights.values()))
        self._passed[region.outputs[0]] = self._source(operand)

    def _source(self, ref: Ref) -> Ref:
        return self._passed.get(ref, ref)

    def _graph_outputs(self) -> Iterator[Ref]:
        inputs = dict(zip((node.name for node in self._graph.inputs), self._table.inputs, strict=True))
        for node in self._graph.outputs:
            producer, port = node.inputs[0].key
            yield Ref(inputs[producer]) if producer in inputs else self._regions[producer].outputs[port]

    def _step(self, node: Node, region: Region) -> tuple[Step[Native], set[Ref]]:
        body, outside = self._body(region)
        kept = [ref for role, ref in region.weights.items() if (node.name, role) not in self._overridden]
        helpers, read = self._helpers([*outside, *kept])
        inputs = tuple(map(self._source, region.inputs))
        weights = {role: self._source(ref) for role, ref in region.weights.items()}
        dtypes = tuple(self._graph.value(port.key).dtype for port in node.inputs)
        return Step(node, region, inputs, weights, body, helpers, dtypes), read | set(inputs)

    def _body(self, region: Region) -> tuple[tuple[Native, ...], list[Ref]]:
        """The operations that run inside the layer, in order, and the values they read from outside it."""
        own, weights = set(region.operations), set(region.weights.values())
        given = weights | set(region.inputs)

        def is_given(ref: Ref) -> bool:
            return ref in given or (ref in self._computed and ref.record not in own)

        inside: dict[str, Native] = {}
        for operation in self._table.needed(map(Ref, region.operations), is_given):
            if operation.id in own or any(r in weights or r.record in inside for r in operation.reads):
                inside[operation.id] = operation
        read = [ref for operation in inside.values() for ref in operation.reads]
        outside = [ref for ref in (*read, *region.outputs) if ref not in given and ref.record not in inside]
        return tuple(inside.values()), outside

    def _helpers(self, refs: Iterable[Ref]) -> tuple[tuple[Native, ...], set[Ref]]:
        """Operations to run for `refs`, unless they ran before; and every value that is read then."""
        read = {self._source(ref) for ref in refs}
        helpers = self._table.needed(read, self._computed.__contains__)
        read |= {self._source(ref) for operation in helpers for ref in operation.reads}
        self._state |= {ref.record for ref in read} & set(self._table.state)
        fresh = tuple(operation for operation in helpers if operation.id not in self._done)
        self._done |= {operation.id for operation in fresh}
        return fresh, read

    def _last_reads(self, steps: list[Step[Native]], reads: list[set[Ref]]) -> list[tuple[Ref, ...]]:
        """For each step the values that no later step and no result reads."""
        later = set(reads[-1])
        found: list[tuple[Ref, ...]] = []
        for step, read in zip(reversed(steps), reversed(reads[:-1]), strict=True):
            touched = {ref for ref in read if ref.record not in self._table.state} | set(step.region.outputs)
            found.append(tuple(sorted(touched - later)))
            later |= read
        return found[::-1]
