"""What patterns look at: the records of a trace by id, and what is bound so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TypeAlias

from clika_core.frozen import field, frozen
from clika_core.ir.dependence import Dependence, Dependences
from clika_core.ir.graph import AttributeValue, Value
from clika_core.ir.operators import OPERATORS
from clika_core.ir.recorded_channels import recorded_channel_axes
from clika_core.ir.recording import Record, Recording, RecordKind, Ref

Slot: TypeAlias = "Ref | float | None"  # what stands in an operand's place: a value, a number, nothing

SPREADING = frozenset({"identity", "reshape", "squeeze", "unsqueeze", "expand"})


@frozen
class Match:
    """What matched: the value of each variable, each captured attribute, and the records it took."""

    values: Mapping[str, Ref] = field(default_factory=dict)
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    records: frozenset[str] = frozenset()

    def bind(self, name: str, ref: Ref) -> Match | None:
        """With the variable bound, or None where it already stands for another value."""
        bound = self.values.get(name)
        if bound is None:
            return Match({**self.values, name: ref}, self.attributes, self.records)
        return self if bound == ref else None

    def capture(self, name: str, value: AttributeValue) -> Match | None:
        """With the attribute captured, or None where it was captured with another value."""
        if name not in self.attributes:
            return Match(self.values, {**self.attributes, name: value}, self.records)
        return self if self.attributes[name] == value else None

    def take(self, *records: str) -> Match:
        """With more records taken."""
        return Match(self.values, self.attributes, self.records.union(records))


class TraceView:
    """Records that lead to an output, with their readers; parametric ones and sizes beside them."""

    def __init__(
        self,
        recording: Recording,
        layers: Sequence[Record],
        known: Dependences,
    ) -> None:
        """`layers` are the operations on data, with the composites found so far in place of theirs."""
        self.known = known
        self.layers = layers
        self.records = {record.id: record for record in (*recording.records, *layers)}
        self._read_by_model = {output.ref.record for output in recording.outputs}
        self._slots: dict[str, tuple[Slot, ...]] = {}
        self._computed_by: dict[Ref, Record | None] = {}
        self._readers: dict[str, set[str]] = {}
        for record in layers:
            for _, ref in record.operands:
                self._readers.setdefault(ref.record, set()).add(record.id)

    @cached_property
    def channel_axes(self) -> Mapping[Ref, int]:
        """The channel axis of what spatial operators computed."""
        return recorded_channel_axes(self.layers)

    def value(self, ref: Ref) -> Value:
        """Shape and dtype of a value."""
        return self.records[ref.record].outputs[ref.port]

    def is_size(self, ref: Ref) -> bool:
        """Whether the value is no tensor of the model but a size."""
        return self.known.of[ref.record] is Dependence.SIZES

    def slot(self, record: Record, role: str) -> Slot:
        """What stands in that operand's place."""
        for name, ref in record.operands:
            if name == role:
                return ref
        number = record.attributes.get(role)
        return float(number) if isinstance(number, int | float) and not isinstance(number, bool) else None

    def slots(self, record: Record) -> tuple[Slot, ...]:
        """The operands, values and numbers, in the vocabulary's order; empty for an unknown type."""
        found = self._slots.get(record.id)
        if found is None:
            entry = OPERATORS.get(record.type)
            known = entry.operands if entry is not None else ()
            extra = [ref for role, ref in record.operands if role not in known and not self.is_size(ref)]
            given = (self.slot(record, role) for role in known)
            found = (*(slot for slot in given if slot is not None), *extra) if known else ()
            self._slots[record.id] = found
        return found

    def computed_by(self, slot: Slot) -> Record | None:
        """The operation that computes the value; of a parametric value the one before it was spread."""
        if not isinstance(slot, Ref):
            return None
        if slot not in self._computed_by:
            record = None if self.is_size(slot) else self.operation(self.source(slot))
            self._computed_by[slot] = record
        return self._computed_by[slot]

    def operation(self, ref: Ref) -> Record | None:
        """The operation with a single result that computes the value, if one does."""
        record = self.records[ref.record]
        return record if record.kind is RecordKind.OPERATION and len(record.outputs) == 1 else None

    def source(self, ref: Ref, rank: int | None = None) -> Ref:
        """Where a parametric value comes from, before it was brought into a shape that broadcasts.

        With `rank` no further than the first value that has so many axes.
        """
        while self.known.is_parametric(ref) and len(self.value(ref).shape) != rank:
            record = self.operation(ref)
            if record is None or record.type not in SPREADING or len(record.operands) != 1:
                break
            if record.type == "reshape" and not self._keeps_sizes(record):
                break
            ref = record.operands[0][1]
        return ref

    def _keeps_sizes(self, record: Record) -> bool:
        """Whether a reshape only adds or drops axes of one element."""
        shapes = (self.value(record.operands[0][1]).shape, record.outputs[0].shape)
        before, after = ([size for size in shape if size != 1] for shape in shapes)
        return before == after

    def is_closed(self, match: Match, root: str) -> bool:
        """Whether no value computed inside is read outside, as the composite's own operand or by others.

        All of them are floating point: integers follow other rules than the formulas of norms.
        """
        inside = {record for record in match.records if self.known.is_data(Ref(record))}
        if not all(value.is_float for record in inside for value in self.records[record].outputs):
            return False
        return inside.isdisjoint(ref.record for ref in match.values.values()) and all(
            record not in self._read_by_model and self._readers.get(record, set()) <= match.records
            for record in inside - {root}
        )
