"""`RecordingBuilder`: a recording written as a backend would make it, to test what the core makes of it.

    r = RecordingBuilder()
    x = r.input("x", ("s0", 8))
    y = r.op("mul", x, r.op("sigmoid", x))
    r.output(y)
    assembly = assemble(r.build())

A number among the operands becomes an attribute of the operand's role, as the contract of `Record` says.
"""

from __future__ import annotations

from collections.abc import Sequence

from clika_core.ir.graph import AttributeValue, Shape, Value
from clika_core.ir.operators import OPERATORS, OperatorType, Trait
from clika_core.ir.recording import Record, RecordedOutput, Recording, RecordKind, Ref, SymbolicSize
from clika_core.testing.inference import output_dtype, output_shape

_UNKNOWN = OperatorType("unknown", Trait.COMPUTING, operands=("input", "other", "operand_2"))


class RecordingBuilder:
    """Collects records in the order they ran. Strings in shapes are symbols of example size `batch`."""

    def __init__(self, batch: int = 2) -> None:
        """`batch` is the example size of every symbol."""
        self._batch = batch
        self._records: dict[str, Record] = {}
        self._outputs: list[RecordedOutput] = []

    def input(self, path: str | None, shape: Shape, dtype: str = "float32") -> Ref:
        """A graph input; `path` is its argument's name."""
        return self._add(RecordKind.INPUT, "", (), (self._value(dtype, shape),), {}, path)

    def parameter(self, identity: str, shape: tuple[int, ...], dtype: str = "float32") -> Ref:
        """A parameter or constant tensor."""
        return self._add(RecordKind.PARAMETER, "", (), (self._value(dtype, shape),), identity=identity)

    def size(self, *operands: Ref) -> Ref:
        """A size of a tensor."""
        roles = tuple((f"operand_{i}", ref) for i, ref in enumerate(operands))
        return self._add(RecordKind.SIZE, "size", roles, (Value("int64", (), ()),))

    def op(
        self,
        type_name: str,
        *operands: Ref | float,
        shape: Shape | None = None,
        dtype: str | None = None,
        outputs: int = 1,
        path: str | None = None,
        **attributes: AttributeValue,
    ) -> Ref:
        """An operation; operands in the vocabulary's order. Shape and dtype are inferred where not given."""
        entry = OPERATORS.get(type_name, _UNKNOWN)
        roles = [(entry.role(position), operand) for position, operand in enumerate(operands)]
        references = tuple((role, operand) for role, operand in roles if isinstance(operand, Ref))
        numbers = {role: operand for role, operand in roles if not isinstance(operand, Ref)}
        inputs = tuple(self._records[ref.record].outputs[ref.port] for _, ref in references)
        one_shape = shape if shape is not None else output_shape(type_name, inputs, (), attributes)
        value = self._value(dtype or output_dtype(type_name, inputs), one_shape)
        everything = {**numbers, **attributes}
        return self._add(RecordKind.OPERATION, type_name, references, (value,) * outputs, everything, path)

    def reshape(self, operand: Ref, shape: tuple[int, ...]) -> Ref:
        """A reshape, whose attribute `shape` is that of its result."""
        value = self._value(self._records[operand.record].outputs[operand.port].dtype, shape)
        return self._add(
            RecordKind.OPERATION, "reshape", (("input", operand),), (value,), {"shape": shape}, None
        )

    def output(self, ref: Ref, path: str = "") -> None:
        """One leaf of the model's result."""
        self._outputs.append(RecordedOutput(ref, path))

    def build(self) -> Recording:
        """The recording of everything added so far."""
        return Recording(tuple(self._records.values()), tuple(self._outputs))

    def _value(self, dtype: str, shape: Shape) -> Value:
        symbolic = tuple(SymbolicSize(size) if isinstance(size, str) else size for size in shape)
        return Value(dtype, symbolic, tuple(self._batch if isinstance(s, str) else s for s in shape))

    def _add(
        self,
        kind: RecordKind,
        type_name: str,
        operands: Sequence[tuple[str, Ref]],
        outputs: tuple[Value, ...],
        attributes: dict[str, AttributeValue] | None = None,
        path: str | None = None,
        identity: str = "",
    ) -> Ref:
        stem = type_name or str(kind)
        name = f"{stem}:{len(self._records)}"
        self._records[name] = Record(
            name, kind, type_name, tuple(operands), outputs, attributes or {}, path, (name,), None, identity
        )
        return Ref(name)
