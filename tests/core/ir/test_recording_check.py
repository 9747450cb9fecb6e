"""A backend that breaks the contract of a recording is told so."""

from __future__ import annotations

import pytest

from clika_core.errors import GraphError
from clika_core.ir.assembly import assemble
from clika_core.ir.graph import Value
from clika_core.ir.recording import Record, RecordedOutput, Recording, RecordKind, Ref

VALUE = (Value("float32", (2,), (2,)),)
X = Record("x", RecordKind.INPUT, outputs=VALUE)


def relu(name: str, *operands: tuple[str, Ref]) -> Record:
    return Record(name, RecordKind.OPERATION, "relu", operands, VALUE)


def failing(*records: Record, output: str = "x") -> str:
    with pytest.raises(GraphError) as caught:
        assemble(Recording(records, (RecordedOutput(Ref(output)),), backend="torch"))
    return str(caught.value)


def test_the_message_names_the_backend_as_the_culprit() -> None:
    assert "this is a bug in torch" in failing(X, X)


def test_ids_are_unique() -> None:
    assert "two records have the id 'x'" in failing(X, X)


def test_operands_come_before_their_readers() -> None:
    assert "operand 'input' of record 'a' is 'b'" in failing(X, relu("a", ("input", Ref("b"))))


def test_ports_exist() -> None:
    assert "output 1 of 'x'" in failing(X, relu("a", ("input", Ref("x", 1))))
    assert "output -1 of 'x'" in failing(X, relu("a", ("input", Ref("x", -1))))


def test_each_role_stands_once() -> None:
    operands = (("input", Ref("x")), ("input", Ref("x")))
    assert "two operands in one role" in failing(X, relu("a", *operands))


def test_inputs_have_no_operands_and_one_output() -> None:
    assert "'y' must have no operands" in failing(X, Record("y", RecordKind.INPUT))


def test_results_exist() -> None:
    assert "result 0 of the model is 'gone'" in failing(X, output="gone")
