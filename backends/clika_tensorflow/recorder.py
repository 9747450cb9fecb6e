"""`Recorder`: from a flat graph to the program that runs it and the recording that the core reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import tensorflow as tf

from clika_core.frozen import replace
from clika_core.ir.graph import AttributeValue, Value
from clika_core.ir.recording import Record, RecordedOutput, Recording, RecordKind, Ref
from clika_tensorflow.capturing import Captured
from clika_tensorflow.example import Example
from clika_tensorflow.flattening import FlatCall, FlatGraph
from clika_tensorflow.moved import moved_value
from clika_tensorflow.observing import Observed
from clika_tensorflow.operation import Operation, Slot
from clika_tensorflow.operators import Call, Move, Wording, word
from clika_tensorflow.program import TracedProgram
from clika_tensorflow.regions import without_scopes
from clika_tensorflow.source import source_of
from clika_tensorflow.state import StateTensor

_SIZES: Final = frozenset({"Shape", "ShapeN", "Size", "Rank"})


class Recorder:
    """Walks the calls of a flat graph once."""

    def __init__(self, captured: Captured, graph: FlatGraph, observed: Observed, example: Example) -> None:
        """Take what was captured, flattened and observed, and the example it was captured with."""
        self._captured, self._graph, self._observed, self._example = captured, graph, observed, example
        self._records: list[Record] = []
        self._operations: dict[str, Operation] = {}
        self._state: dict[str, StateTensor] = {}
        self._sizes: set[str] = set()
        self._read: set[str] = set()
        self._data: set[str] = set(graph.inputs)
        self._alias: dict[Ref, Ref] = {}
        self._made: dict[Ref, Value] = {}

    def record(self, name: str) -> tuple[TracedProgram, Recording]:
        """The program, and the recording of it."""
        for own, path in zip(self._graph.inputs, self._example.paths, strict=True):
            value = self._observed.value(Ref(own))
            self._records.append(Record(own, RecordKind.INPUT, outputs=(value,), path=path))
        for call in self._graph.calls:
            self._add_call(call)
        self._records = [*map(self._as_read, self._records)]
        returned = [self._own(ref) for ref in self._graph.outputs]
        for ref in returned:
            self._hold(ref)
        leaves = zip(self._captured.result.leaves, returned, strict=True)
        outputs = tuple(RecordedOutput(ref, path) for path, ref in leaves if ref.record not in self._sizes)
        results = tuple(ref if ref.record in self._sizes else None for ref in returned)
        program = TracedProgram(
            self._operations, self._state, self._graph.inputs, results, self._captured.result
        )
        return program, Recording(tuple(self._records), outputs, name, "tensorflow", tf.__version__)

    def _add_call(self, flat: FlatCall) -> None:
        reads = [self._own(ref) for ref in flat.reads]
        if self._is_size(flat, reads):
            self._sizes.add(flat.id)
            self._add_size(flat)
            return
        if any(ref.record in self._data or ref.record in self._sizes for ref in reads):
            self._data.add(flat.id)
        wording = word(Call(flat, self._observed, self._is_parametric))
        if _does_nothing(flat, wording):
            self._alias[Ref(flat.id)] = self._own(next(flat.reads))
            return
        self._add_operation(flat, wording)

    def _is_size(self, flat: FlatCall, reads: Sequence[Ref]) -> bool:
        """Whether a call computes nothing but sizes: of tensors, or from sizes and numbers."""
        if flat.type in _SIZES:
            return True
        is_from_sizes = any(ref.record in self._sizes for ref in reads)
        return is_from_sizes and all(
            ref.record in self._sizes or self._literal(ref) is not None for ref in reads
        )

    def _add_size(self, flat: FlatCall) -> None:
        arguments = {name: self._argument(value) for name, value in flat.arguments.items()}
        self._operations[flat.id] = Operation(flat.id, flat.function, arguments, {})
        values = tuple(self._observed.value(Ref(flat.id, port)) for port in range(flat.count))
        self._records.append(Record(flat.id, RecordKind.SIZE, flat.type, (), values))

    def _as_read(self, record: Record) -> Record:
        """A tensor made of sizes that a layer reads is an operation: a mask spread over the batch.

        One that has no axis of free size is none: its values follow a size, and no constant can stand for it.
        """
        is_spread = any(isinstance(size, str) for value in record.outputs for size in value.shape)
        if record.kind is not RecordKind.SIZE or record.id not in self._read or not is_spread:
            return record
        reads = dict.fromkeys(self._operations[record.id].reads)
        operands = tuple((f"inputs.{place}", ref) for place, ref in enumerate(reads))
        return replace(record, kind=RecordKind.OPERATION, type=f"tf.{record.type}", operands=operands)

    def _add_operation(self, flat: FlatCall, wording: Wording) -> None:
        arguments = self._arguments(flat, wording)
        operands, slots, numbers = self._operands(arguments, wording)
        for operand_ref in (ref for _, ref in operands):
            self._hold(operand_ref)
            self._read.add(operand_ref.record)
        region = self._captured.regions.of(flat.id)
        count = flat.count if wording.results is None else wording.results
        self._operations[flat.id] = Operation(flat.id, wording.function or flat.function, arguments, slots)
        path = region.path if region is not None else self._path_of(operands)
        names = [without_scopes(flat.id), *([region.name_path] if region is not None else [])]
        self._records.append(
            Record(
                flat.id,
                RecordKind.OPERATION,
                wording.type,
                tuple(operands),
                tuple(self._observed.value(Ref(flat.id, port)) for port in range(count)),
                {**wording.attributes, **numbers},
                path or None,
                tuple(dict.fromkeys(name for name in names if name)),
                source_of(flat.native),
            )
        )

    def _arguments(self, flat: FlatCall, wording: Wording) -> dict[str, Any]:
        """The arguments of the wording's function, operands moved where the wording says so."""
        found: dict[str, Any] = {}
        for name, value in flat.arguments.items():
            own = wording.renamed.get(name, name)
            moves = wording.moves.get(own, [])
            found[own] = self._moved(flat, own, self._own(value), moves) if moves else self._argument(value)
        return {**found, **dict.fromkeys(wording.vacant)}

    def _moved(self, flat: FlatCall, argument: str, ref: Ref, moves: Sequence[Move]) -> Ref:
        """The operand behind movements that are operations and records of their own."""
        self._hold(ref)
        for number, move in enumerate(moves):
            own = f"{flat.id}/{argument}:{number}"
            self._operations[own] = Operation(own, _apply(move), {"input": ref}, {"input": Slot("input")})
            value = self._made[Ref(own)] = moved_value(self._value(ref), move)
            self._records.append(
                Record(
                    own,
                    RecordKind.OPERATION,
                    move.type,
                    (("input", ref),),
                    (value,),
                    move.attributes,
                    None,
                    (own,),
                )
            )
            if ref.record in self._data:
                self._data.add(own)
            ref = Ref(own)
        return ref

    def _value(self, ref: Ref) -> Value:
        return self._made.get(ref) or self._observed.value(ref)

    def _operands(
        self, arguments: dict[str, Any], wording: Wording
    ) -> tuple[list[tuple[str, Ref]], dict[str, Slot], dict[str, AttributeValue]]:
        """References by role, the place of each role, and operands that are numbers."""
        operands: list[tuple[str, Ref]] = []
        slots: dict[str, Slot] = {}
        numbers: dict[str, AttributeValue] = {}
        for role, slot in _places(arguments, wording):
            value = arguments[slot.argument] if slot.index is None else arguments[slot.argument][slot.index]
            slots[role] = slot
            if isinstance(value, Ref):
                operands.append((role, value))
            elif value is not None and value.ndim == 0:
                numbers[role] = _number(value)
            elif value is not None:
                operands.append((role, self._kept(arguments, slot)))
        return operands, slots, numbers

    def _kept(self, arguments: dict[str, Any], slot: Slot) -> Ref:
        """A constant array of integers that is an operand: state after all."""
        held = arguments[slot.argument] if slot.index is None else arguments[slot.argument][slot.index]
        name = next(name for name, state in self._graph.state.items() if state.value is held)
        if slot.index is None:
            arguments[slot.argument] = Ref(name)
        else:
            arguments[slot.argument][slot.index] = Ref(name)
        return Ref(name)

    def _argument(self, value: Any) -> Any:
        """A reference, or the constant itself where it is an integer, a truth value or a single number."""
        if isinstance(value, list):
            return [self._argument(item) for item in value]
        own = self._own(value)
        literal = self._literal(own)
        if literal is None:
            self._hold(own)
            return own
        return literal

    def _literal(self, ref: Ref) -> Any:
        held = self._graph.state.get(ref.record)
        if held is None or not isinstance(held.value, np.ndarray | np.generic):
            return None
        value = held.value
        return value if value.ndim == 0 or value.dtype.kind in "biuOS" else None

    def _hold(self, ref: Ref) -> None:
        """Make a record of a variable or constant when it is first read."""
        held = self._graph.state.get(ref.record)
        if held is None or ref.record in self._state:
            return
        self._state[ref.record] = held
        value = self._observed.value(ref)
        self._records.append(
            Record(
                ref.record,
                RecordKind.PARAMETER,
                outputs=(value,),
                path=held.name,
                aliases=(ref.record,),
                identity=held.name,
            )
        )

    def _own(self, ref: Ref) -> Ref:
        return self._alias.get(ref, ref)

    def _is_parametric(self, ref: Ref) -> bool:
        own = self._own(ref)
        return own.record not in self._data and own.record not in self._sizes

    def _path_of(self, operands: Sequence[tuple[str, Ref]]) -> str | None:
        """Outside all layers: where the variable is kept that the operation reads."""
        names = [self._state[ref.record].name for _, ref in operands if ref.record in self._state]
        return names[0].rpartition(".")[0] if names else None


def _number(value: Any) -> AttributeValue:
    """A scalar as its author wrote it: 0.001, not what float32 makes of it."""
    found: AttributeValue = float(str(value)) if value.dtype == np.float32 else value.item()
    return found


def _places(arguments: Mapping[str, Any], wording: Wording) -> Iterator[tuple[str, Slot]]:
    for role, argument in wording.operands:
        name, _, index = argument.partition(".")
        if role.endswith("*"):
            for position in range(len(arguments[name])):
                yield f"{role[:-1]}.{position}", Slot(name, position)
        else:
            yield role, Slot(name, int(index) if index else None)


def _does_nothing(flat: FlatCall, wording: Wording) -> bool:
    """A movement that moves nothing."""
    axes = wording.attributes.get("axes")
    is_still = wording.type == "permute" and isinstance(axes, tuple) and list(axes) == list(range(len(axes)))
    return is_still or (wording.type == "identity" and flat.type != "StopGradient")


def _apply(move: Move) -> Any:
    return lambda arguments, _: [move.function(arguments["input"])]
