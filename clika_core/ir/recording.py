"""What a backend hands to the core while it traces: every operation it saw, in the order it ran.

A backend maps each native operation to a neutral type and says what its operands, attributes and results are.
It decides nothing else: which operations are layers, which are folded, how layers are named and which
primitives form a norm or an activation is decided by `clika_core.ir.assembly`, once for all frameworks.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from clika_core.errors import Location
from clika_core.frozen import frozen
from clika_core.ir.graph import AttributeValue, Value


class SymbolicSize(str):
    """A size that is free to change, or an expression of such sizes: `s0`, `2*s0`.

    Used in `Value.shape` and in attributes. Symbols are renamed `d0`, `d1`, ... in order of appearance.
    """

    __slots__ = ()


class Ref(NamedTuple):
    """Output `port` of the record `record`."""

    record: str
    port: int = 0


class RecordKind(StrEnum):
    """What the backend saw."""

    INPUT = "input"  # a graph input
    PARAMETER = "parameter"  # a parameter, buffer or constant tensor
    SIZE = "size"  # computes only sizes of tensors
    OPERATION = "operation"


@frozen
class Record:
    """One thing the backend saw.

    `id` is unique in the recording and known to the backend's interpreter. `type` is a name of the
    vocabulary, or the framework's own where the vocabulary has none. `operands` pair a role with a reference,
    each role once; a number as operand, Python's or a constant scalar of the framework, is an attribute of
    the role's name instead (`mul` by 2: `attributes["other"] = 2`, `1 - x`: `attributes["input"] = 1`).
    `path` is the module's; for an input it is the argument's name (`x`, `batch.image`). `aliases` are other
    names of the operation in the framework; the first one is the framework's own node name. `identity` says
    which tensor a parameter is: equal for tied weights. `body` lists the records that a composite replaced,
    in the order they ran; a backend leaves it empty.
    """

    id: str
    kind: RecordKind
    type: str = ""
    operands: tuple[tuple[str, Ref], ...] = ()
    outputs: tuple[Value, ...] = ()
    attributes: Mapping[str, AttributeValue] = MappingProxyType({})
    path: str | None = None
    aliases: tuple[str, ...] = ()
    source: Location | None = None
    identity: str = ""
    body: tuple[Record, ...] = ()


@frozen
class RecordedOutput:
    """One leaf of the model's result: where it is computed, and its path there (`0`, `cache.3.key`)."""

    ref: Ref
    path: str = ""


@frozen
class Recording:
    """A whole trace. `records` are in the order they ran: operands come before their users.

    `sizes_are_layers` says that more than the batch is free to change: then what is computed from sizes alone
    (positions, a causal mask) is computed anew for every size, by layers. Without it such values are operands.
    """

    records: tuple[Record, ...]
    outputs: tuple[RecordedOutput, ...]
    name: str = "model"
    backend: str = ""
    framework_version: str = ""
    sizes_are_layers: bool = False


@frozen
class Region:
    """How a backend runs one layer: which records, in order, from which values, giving which.

    `inputs` stand beside the node's input ports, `weights` map the role of each parametric operand to the
    value that holds it, `outputs` stand beside the node's output ports. `operations` excludes parametric
    records and sizes: those the backend evaluates by itself when a region reads them. A `constant` layer has
    no operations: its output is a parametric value or a size.
    """

    operations: tuple[str, ...]
    inputs: tuple[Ref, ...]
    weights: Mapping[str, Ref]
    outputs: tuple[Ref, ...]
