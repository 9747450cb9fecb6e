"""The contract of a recording, checked at the door: what breaks it is a mistake of the backend."""

from __future__ import annotations

from collections.abc import Mapping

from clika_core.errors import GraphError
from clika_core.ir.recording import Record, Recording, RecordKind, Ref


def check_recording(recording: Recording) -> None:
    """Raise GraphError naming the record unless ids are unique and every value is read after it is made."""
    made: dict[str, int] = {}
    for record in recording.records:
        if record.id in made:
            raise _error(recording, f"two records have the id {record.id!r}", expected="unique ids")
        _check_operands(recording, record, made)
        made[record.id] = len(record.outputs)
    for position, output in enumerate(recording.outputs):
        _check_ref(recording, f"result {position} of the model", output.ref, made)


def _check_operands(recording: Recording, record: Record, made: Mapping[str, int]) -> None:
    roles = [role for role, _ in record.operands]
    if len(set(roles)) != len(roles):
        raise _error(recording, f"record {record.id!r} has two operands in one role", found=", ".join(roles))
    if record.kind in (RecordKind.INPUT, RecordKind.PARAMETER) and (roles or len(record.outputs) != 1):
        raise _error(
            recording, f"{record.kind} record {record.id!r} must have no operands and exactly one output"
        )
    for role, ref in record.operands:
        _check_ref(recording, f"operand {role!r} of record {record.id!r}", ref, made)


def _check_ref(recording: Recording, reader: str, ref: Ref, made: Mapping[str, int]) -> None:
    if ref.record not in made:
        raise _error(
            recording, f"{reader} is {ref.record!r}, which did not run before", expected="records in order"
        )
    if not 0 <= ref.port < made[ref.record]:
        raise _error(
            recording,
            f"{reader} is output {ref.port} of {ref.record!r}",
            found=f"{made[ref.record]} output(s)",
        )


def _error(
    recording: Recording, message: str, *, found: str | None = None, expected: str | None = None
) -> GraphError:
    backend = recording.backend or "the backend"
    return GraphError(
        f"a recording is malformed: {message}",
        found=found,
        expected=expected,
        fix=f"this is a bug in {backend}, not in the model: please report it",
    )
