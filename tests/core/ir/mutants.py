"""Recordings with one thing changed: a number, an operation, an axis, an operand. Every shape still fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from clika_core.ir.recording import Record, Recording, RecordKind, Ref

INTERCHANGEABLE = (
    ("add", "sub", "mul", "maximum"),
    ("square", "exp", "tanh", "sigmoid", "neg"),
    ("mean", "sum"),
)


def mutants(recording: Recording) -> Iterator[Recording]:
    """Every recording that differs from this one in one operation."""
    records = recording.records
    for position, record in enumerate(records):
        if record.kind is RecordKind.OPERATION:
            for changed in _changes(record, records[:position]):
                yield replace(recording, records=(*records[:position], changed, *records[position + 1 :]))


def _changes(record: Record, earlier: tuple[Record, ...]) -> Iterator[Record]:
    yield from _other_numbers(record)
    yield from _other_axes(record)
    yield from _other_types(record)
    yield from _other_operands(record, earlier)


def _other_numbers(record: Record) -> Iterator[Record]:
    for key, number in record.attributes.items():
        if isinstance(number, int | float) and not isinstance(number, bool):
            for changed in (number * 1.5 + 0.1, -number):
                yield replace(record, attributes={**record.attributes, key: changed})


def _other_axes(record: Record) -> Iterator[Record]:
    """The middle axis for the last one: of the same size, so that the result still broadcasts."""
    if record.attributes.get("axes") == (2,) and record.attributes.get("keep_dims"):
        value = replace(record.outputs[0], shape=(2, 1, 4), example_shape=(2, 1, 4))
        yield replace(record, attributes={**record.attributes, "axes": (1,)}, outputs=(value,))


def _other_types(record: Record) -> Iterator[Record]:
    for group in INTERCHANGEABLE:
        if record.type in group:
            yield from (replace(record, type=other) for other in group if other != record.type)


def _other_operands(record: Record, earlier: tuple[Record, ...]) -> Iterator[Record]:
    by_id = {one.id: one for one in earlier}
    for index, (role, ref) in enumerate(record.operands):
        for one in earlier:
            if one.id != ref.record and one.outputs == by_id[ref.record].outputs:
                rest = record.operands[index + 1 :]
                operands = (*record.operands[:index], (role, Ref(one.id)), *rest)
                yield replace(record, operands=operands)
