"""What each record of a trace depends on: data, parameters alone, or only the sizes of tensors.

Layers are what depends on data. What depends on parameters alone is folded into its consumer as a weight, and
what depends only on sizes is no value of the model at all. One pass in trace order, linear in operands.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum

from clika_core.frozen import frozen
from clika_core.ir.fingerprint import attribute_to_json
from clika_core.ir.graph import AttributeValue
from clika_core.ir.operators import OPERATORS
from clika_core.ir.recording import Record, RecordKind, Ref, SymbolicSize

KEEPS_IDENTITY = frozenset(
    {"identity", "reshape", "flatten", "permute", "squeeze", "unsqueeze", "expand", "dropout"}
)
_LONGEST_IDENTITY = 200


class Dependence(StrEnum):
    """What a record's results depend on."""

    DATA = "data"
    PARAMETERS = "parameters"
    SIZES = "sizes"


@frozen
class Dependences:
    """The dependence of each record by id, the identity of each parametric one, and the tensors made of sizes."""

    of: Mapping[str, Dependence]
    identities: Mapping[str, str]
    sized: Collection[str] = frozenset()

    def is_data(self, ref: Ref) -> bool:
        """Whether the value is computed from graph inputs: an edge of the graph."""
        return self.of[ref.record] is Dependence.DATA

    def is_parametric(self, ref: Ref) -> bool:
        """Whether the value depends on parameters alone: a weight of its consumer."""
        return self.of[ref.record] is Dependence.PARAMETERS

    def is_operand(self, ref: Ref) -> bool:
        """Whether a layer that reads the value needs it beside its data: a parameter, or a tensor made of sizes.

        A mask over positions that is spread over the batch is such a tensor: no weight, no data, and yet read.
        """
        return self.is_parametric(ref) or ref.record in self.sized

    def identity(self, ref: Ref) -> str:
        """Which tensor a parametric value is: equal for tied weights and for equal expressions of them."""
        base = self.identities.get(ref.record, ref.record)
        return f"{base}#{ref.port}" if ref.port else base


def dependences(records: Sequence[Record], *, sizes_are_layers: bool = False) -> Dependences:
    """Classify every record; with `sizes_are_layers` operations over sizes count as operations on data.

    Else an operation over sizes is no layer, with one exception: where it yields floating point from a parameter
    (a class token repeated for every sample, a table of positions looked up by length) its values are the
    model's own, and it is a layer that has no input.
    """
    of: dict[str, Dependence] = {}
    identities: dict[str, str] = {}
    holds_parameter: set[str] = set()
    for record in records:
        if record.kind is RecordKind.PARAMETER or any(
            r.record in holds_parameter for _, r in record.operands
        ):
            holds_parameter.add(record.id)
        found = _dependence(record, of, holds_parameter)
        is_layer = sizes_are_layers and record.kind is RecordKind.OPERATION
        of[record.id] = Dependence.DATA if is_layer and found is Dependence.SIZES else found
        if of[record.id] is Dependence.PARAMETERS:
            identities[record.id] = _identity(record, Dependences(of, identities))
    return Dependences(of, identities, _tensors_of_sizes(records, of))


def _tensors_of_sizes(records: Iterable[Record], of: Mapping[str, Dependence]) -> frozenset[str]:
    """Operations over sizes that give arrays with axes; single numbers are attributes of their readers."""
    sized = (r for r in records if r.kind is RecordKind.OPERATION and of[r.id] is Dependence.SIZES)
    return frozenset(record.id for record in sized if any(value.shape for value in record.outputs))


def _dependence(record: Record, of: Mapping[str, Dependence], holds_parameter: set[str]) -> Dependence:
    fixed = _BY_KIND.get(record.kind)
    if fixed is not None:
        return fixed
    operands = {of[ref.record] for _, ref in record.operands}
    if Dependence.DATA in operands:
        return Dependence.DATA
    if Dependence.SIZES not in operands and not _has_symbols(record):
        return Dependence.PARAMETERS
    yields_float = any(value.is_float for value in record.outputs)
    return Dependence.DATA if yields_float and record.id in holds_parameter else Dependence.SIZES


_BY_KIND = {
    RecordKind.INPUT: Dependence.DATA,
    RecordKind.PARAMETER: Dependence.PARAMETERS,
    RecordKind.SIZE: Dependence.SIZES,
}


def _has_symbols(record: Record) -> bool:
    """Whether an attribute or a size of the result is free to change."""
    shapes = (size for value in record.outputs for size in value.shape)
    return any(isinstance(size, str) for size in shapes) or any(map(_is_symbolic, record.attributes.values()))


def _is_symbolic(value: AttributeValue) -> bool:
    return any(map(_is_symbolic, value)) if isinstance(value, tuple) else isinstance(value, SymbolicSize)


def _identity(record: Record, known: Dependences) -> str:
    """A parameter's own identity; through movements the same; else the expression, shortened by its hash."""
    if record.kind is RecordKind.PARAMETER:
        return record.identity or record.id
    operands = [(role, known.identity(ref)) for role, ref in record.operands]
    if record.type in KEEPS_IDENTITY and len(operands) == 1:
        return operands[0][1]
    parts = [f"{key}={_text(value)}" for key, value in sorted(record.attributes.items())]
    parts += [f"{role}={identity}" for role, identity in operands]
    if record.type == "random" or record.type not in OPERATORS:
        parts.append(record.id)  # nothing says that two of these give the same values
    inside = ", ".join(parts)
    if len(inside) > _LONGEST_IDENTITY:
        inside = hashlib.sha256(inside.encode()).hexdigest()[:16]
    return f"{record.type}({inside})"


def _text(value: AttributeValue) -> str:
    return json.dumps(attribute_to_json(value), sort_keys=True)
