"""A schedule runs each layer's operations, expressions of parameters once, and keeps no value too long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from clika_core.backend.interface import LayerCall
from clika_core.backend.interpreter import Interpreter
from clika_core.backend.operation_table import OperationTable
from clika_core.backend.schedule import Schedule, Step, make_schedule
from clika_core.ir.assembly import Assembly, assemble
from clika_core.ir.graph import Value
from clika_core.ir.recording import Record, RecordedOutput, Recording, RecordKind, Ref


@dataclass(frozen=True)
class Sum:
    """Adds numbers: the native operation of these tests."""

    id: str
    operands: tuple[Ref, ...]

    @property
    def reads(self) -> Iterator[Ref]:
        return iter(self.operands)

    @property
    def slots(self) -> Mapping[str, int]:
        return {"input": 0, "other": 1}


VALUE = (Value("float32", (1,), (1,)),)


def record(name: str, type_name: str, *operands: str) -> Record:
    roles = ("input", "other")
    return Record(
        name,
        RecordKind.OPERATION,
        type_name,
        tuple((role, Ref(operand)) for role, operand in zip(roles, operands, strict=False)),
        VALUE,
    )


OPERATIONS = [
    record("halved", "neg", "w"),
    record("first", "add", "x", "halved"),
    record("second", "dropout", "first"),
    record("third", "add", "second", "halved"),
]


@pytest.fixture
def assembly() -> Assembly:
    inputs = Record("x", RecordKind.INPUT, outputs=VALUE, path="x")
    weight = Record("w", RecordKind.PARAMETER, outputs=VALUE, identity="w")
    return assemble(Recording((inputs, weight, *OPERATIONS), (RecordedOutput(Ref("third")),)))


@pytest.fixture
def table() -> OperationTable[Sum]:
    found = {one.id: Sum(one.id, tuple(ref for _, ref in one.operands)) for one in OPERATIONS}
    return OperationTable(found, {"w": 1}, ("x",))


@dataclass
class Call:
    """Counts nothing and adds everything."""

    step: Step[Sum]
    inputs: tuple[int, ...]
    weights: Mapping[str, int]

    @property
    def node(self) -> Any:
        return self.step.node

    def run(self, inputs: Any = None, weights: Any = None) -> tuple[int, ...]:
        held = {**self.weights, **(weights or {})}
        return (sum(self.inputs if inputs is None else inputs) + sum(held.values()),)


class Adding(Interpreter[Sum]):
    """Runs sums; keeps how many values were held at most."""

    most = 0
    helped: list[str]

    def call(self, step: Step[Sum], inputs: tuple[Any, ...], weights: Mapping[str, Any]) -> LayerCall:
        self.most = max(self.most, len(self._values))
        return Call(step, inputs, weights)

    def results(self, operation: Sum) -> dict[Ref, Any]:
        self.helped = [*getattr(self, "helped", []), operation.id]
        return {Ref(operation.id): sum(map(self.value, operation.operands))}


def run(
    schedule: Schedule[Sum], overrides: Mapping[tuple[str, str], int] | None = None
) -> tuple[int, Adding]:
    interpreter = Adding(schedule, {"w": 1}, overrides or {}, {"x": 10})
    (result,) = interpreter.run(lambda call: call.run())
    return result, interpreter


def test_an_expression_of_parameters_runs_once_and_reaches_every_reader(
    table: OperationTable[Sum], assembly: Assembly
) -> None:
    result, interpreter = run(make_schedule(table, assembly.graph, assembly.regions))
    assert result == 10 + 1 + 1
    assert interpreter.helped == ["halved"]


def test_a_removed_layer_is_passed_over(table: OperationTable[Sum], assembly: Assembly) -> None:
    schedule = make_schedule(table, assembly.graph, assembly.regions, removed=["dropout_1"])
    assert [step.node.name for step in schedule.steps] == ["add_1", "add_2"]
    assert run(schedule)[0] == 12


def test_what_is_overridden_is_not_read(table: OperationTable[Sum], assembly: Assembly) -> None:
    roles = {("add_1", "other"): 5, ("add_2", "other"): 7}
    schedule = make_schedule(table, assembly.graph, assembly.regions, overridden=roles)
    assert schedule.state == frozenset()
    assert run(schedule, roles)[0] == 10 + 5 + 7


def test_values_that_nobody_reads_any_more_are_let_go(table: OperationTable[Sum], assembly: Assembly) -> None:
    schedule = make_schedule(table, assembly.graph, assembly.regions)
    assert {ref.record for step in schedule.steps for ref in step.frees} == {"x", "first", "second", "halved"}
    assert run(schedule)[1].most == 2
