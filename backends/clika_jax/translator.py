"""From equations to what is run (`Operation`s) and what the core reads (`Record`s), in neutral words.

An equation may become several operations: a weight is first brought into the vocabulary's layout, a general product
into a plain one. What is written for that alone (`is_helper`) is dropped where nothing comes to read it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from clika_core.ir.graph import AttributeValue, Value
from clika_core.ir.paths import common_path
from clika_core.ir.recording import Record, RecordKind, Ref
from clika_jax.flat import Equation, Number, Operand, Shaped
from clika_jax.operation import Operation, make_operation
from clika_jax.sizes import SizeMismatchError, has_size, resolve, symbolic
from clika_jax.trace_facts import dtype_name


@dataclass
class Translator:
    """What is translated so far; `batch` is the size that examples have."""

    batch: int
    records: list[Record] = field(default_factory=list)
    operations: dict[str, Operation] = field(default_factory=dict)
    values: dict[Ref, Shaped] = field(default_factory=dict)
    data: set[str] = field(default_factory=set)
    helpers: set[str] = field(default_factory=set)
    aliases: dict[Ref, Operand] = field(default_factory=dict)
    equations: dict[str, Equation] = field(default_factory=dict)
    origins: dict[str, frozenset[str]] = field(default_factory=dict)

    def add_input(self, name: str, shaped: Shaped, path: str | None) -> None:
        """A graph input."""
        self.data.add(name)
        self._add_source(Record(name, RecordKind.INPUT, outputs=(self.value(shaped),), path=path), shaped)

    def add_parameter(self, name: str, shaped: Shaped, path: str) -> None:
        """A parameter or a constant."""
        outputs = (self.value(shaped),)
        self.origins[name] = frozenset({path})
        self._add_source(
            Record(name, RecordKind.PARAMETER, outputs=outputs, path=path, identity=path), shaped
        )

    def _add_source(self, record: Record, shaped: Shaped) -> None:
        self.records.append(record)
        self.values[Ref(record.id)] = shaped

    def add(self, equation: Equation, translate: Callable[[Call], Sequence[Operand]]) -> None:
        """One equation, said by `translate`."""
        self.equations[equation.id] = equation
        operands = tuple(map(self.resolve, equation.operands))
        results = translate(Call(self, equation, operands))
        for port, result in enumerate(results):
            self.aliases[Ref(equation.id, port)] = result

    def path_of(self, operands: Sequence[Ref]) -> str | None:
        """Where the parameters among the operands are kept: the path of a layer that has no scope."""
        names = [name for ref in operands for name in self.origins.get(ref.record, ())]
        return common_path([name.rpartition(".")[0] for name in names]) if names else None

    def resolve(self, operand: Operand) -> Operand:
        """Where a result of an equation is found now."""
        return self.aliases.get(operand, operand) if isinstance(operand, Ref) else operand

    def value(self, shaped: Shaped) -> Value:
        """A value as the core holds it."""
        example = tuple(int(resolve(size, self.batch)) for size in shaped.shape)
        shape = tuple(size if isinstance(size, int) else symbolic(size) for size in shaped.shape)
        return Value(dtype_name(shaped.dtype), shape, example)  # type: ignore[arg-type]

    def is_data(self, operand: Operand) -> bool:
        """Whether a value depends on an input of the model."""
        return isinstance(operand, Ref) and operand.record in self.data

    def without_idle_helpers(self, results: Sequence[Operand]) -> None:
        """Drop the helpers that nothing reads."""
        read = {result.record for result in results if isinstance(result, Ref)}
        kept: list[Record] = []
        for record in reversed(self.records):
            if record.id in self.helpers and record.id not in read:
                del self.operations[record.id]
                continue
            kept.append(record)
            read.update(ref.record for _, ref in record.operands)
        self.records = kept[::-1]


@dataclass(frozen=True)
class Call:
    """One equation being translated: what it reads, and the means to say what it is."""

    translator: Translator
    equation: Equation
    operands: tuple[Operand, ...]

    @property
    def params(self) -> Mapping[str, Any]:
        """The equation's parameters."""
        return self.equation.params

    @property
    def result(self) -> Shaped:
        """The first result."""
        return self.equation.outputs[0]

    def shaped(self, operand: Operand) -> Shaped:
        """Dtype and shape of an operand."""
        if isinstance(operand, Number):
            return Shaped(operand.dtype, operand.shape)
        return self.translator.values[operand]

    def shape(self, position: int = 0) -> tuple[Any, ...]:
        """The sizes of an operand."""
        return self.shaped(self.operands[position]).shape

    def is_data(self, operand: Operand) -> bool:
        """Whether a value depends on an input of the model."""
        return self.translator.is_data(operand)

    def is_parametric(self, operand: Operand) -> bool:
        """Whether a value depends on parameters alone."""
        return (
            isinstance(operand, Ref)
            and not self.is_data(operand)
            and not has_size(self.shaped(operand).shape)
        )

    def emit(
        self,
        type_name: str,
        function: Callable[..., Any],
        operands: Mapping[str, Operand | None],
        result: Shaped | Sequence[Shaped],
        *,
        settings: Mapping[str, Any] | None = None,
        attributes: Mapping[str, Any] | None = None,
        suffix: str = "",
    ) -> Ref:
        """One operation and its record; its first result. With a `suffix` it is a helper of the equation's own."""
        several = not isinstance(result, Shaped)
        shapes = tuple(result) if not isinstance(result, Shaped) else (result,)
        name = f"{self.equation.id}.{suffix}" if suffix else self.equation.id
        self.translator.operations[name] = make_operation(
            name, function, operands, settings or {}, is_multiple=several, iterations=self.equation.iterations
        )
        self._record(name, type_name, operands, shapes, attributes or {})
        if suffix:
            self.translator.helpers.add(name)
        return Ref(name)

    def _record(
        self,
        name: str,
        type_name: str,
        operands: Mapping[str, Operand | None],
        shapes: tuple[Shaped, ...],
        attributes: Mapping[str, Any],
    ) -> None:
        translator = self.translator
        numbers = {role: symbolic(held.value) for role, held in operands.items() if isinstance(held, Number)}
        refs = tuple((role, held) for role, held in operands.items() if isinstance(held, Ref))
        said: dict[str, AttributeValue] = {**numbers, **{key: symbolic(v) for key, v in attributes.items()}}
        translator.records.append(
            Record(
                name,
                RecordKind.OPERATION,
                type_name,
                refs,
                tuple(map(translator.value, shapes)),
                said,
                self.equation.path or translator.path_of([ref for _, ref in refs]),
                (name,),
                self.equation.source,
            )
        )
        if any(translator.is_data(ref) for _, ref in refs):
            translator.data.add(name)
        else:
            found = (translator.origins.get(ref.record, frozenset()) for _, ref in refs)
            translator.origins[name] = frozenset().union(*found)
        translator.values.update((Ref(name, port), shaped) for port, shaped in enumerate(shapes))

    def tensor(self, operand: Operand, suffix: str = "full") -> Ref:
        """The operand as a value of its own; a number becomes one filled with it."""
        if isinstance(operand, Ref):
            return operand
        from clika_jax.operators.functions import full

        return self.emit(
            "full",
            full,
            {},
            Shaped(operand.dtype, operand.shape),
            settings={"shape": operand.shape, "value": operand.value, "dtype": operand.dtype},
            attributes={"shape": operand.shape, "value": operand.value},
            suffix=suffix,
        )

    def unrepeated(self, operand: Operand) -> Operand:
        """What an operand was before it was repeated for every sample, for a function that broadcasts."""
        from clika_jax.operators.functions import expand

        if not isinstance(operand, Ref) or self.is_data(operand):
            return operand
        before = self.translator.operations.get(operand.record)
        if before is None or before.function is not expand:
            return operand
        (origin,), rank = before.operands, len(self.shaped(operand).shape)
        if not isinstance(origin, Ref) or tuple(before.settings["axes"]) != tuple(range(rank)):
            return operand
        self.translator.helpers.add(operand.record)
        return origin

    def permuted(self, operand: Operand, axes: Sequence[int], suffix: str) -> Operand:
        """The operand with its axes in another order, straight from where an earlier permutation took it.

        A swap of the last two axes stays a step of its own: the core looks for the one between queries and keys.
        """
        from clika_jax.operators.functions import permute

        axes = tuple(int(axis) for axis in axes)
        rank = len(axes)
        is_apart = rank > 2 and axes == (*range(rank - 2), rank - 1, rank - 2)
        if isinstance(operand, Number):
            return Number(operand.value, operand.dtype, tuple(operand.shape[axis] for axis in axes))
        before = self.translator.operations.get(operand.record)
        if before is not None and before.function is permute:
            together = tuple(before.settings["axes"][axis] for axis in axes)
            (origin,) = before.operands
            if not is_apart or together == tuple(range(len(axes))):
                assert isinstance(origin, Ref)
                self.translator.helpers.add(operand.record)
                operand, axes = origin, together
        if axes == tuple(range(len(axes))):
            return operand
        shaped = self.shaped(operand)
        return self.emit(
            "permute",
            permute,
            {"input": operand},
            Shaped(shaped.dtype, tuple(shaped.shape[axis] for axis in axes)),
            settings={"axes": axes},
            attributes={"axes": axes},
            suffix=suffix,
        )

    def reshaped(self, operand: Ref, shape: Sequence[Any], suffix: str) -> Ref:
        """The operand in another shape."""
        return self.formed(operand, shape, suffix, "reshape", {"shape": tuple(shape)})

    def formed(
        self, operand: Ref, shape: Sequence[Any], suffix: str, type_name: str, attributes: Mapping[str, Any]
    ) -> Ref:
        """The operand in another shape, under one of the names for that; what takes a step back, takes none."""
        from clika_jax.operators.functions import reshape

        shaped, shape = self.shaped(operand), tuple(shape)
        before = self.translator.operations.get(operand.record)
        if before is not None and before.function is reshape and self.is_data(operand):
            (origin,) = before.operands
            if isinstance(origin, Ref) and self.shaped(origin).shape == shape:
                self.translator.helpers.add(operand.record)
                return origin
        if shape == shaped.shape:
            return operand
        return self.emit(
            type_name,
            reshape,
            {"input": operand},
            Shaped(shaped.dtype, shape),
            settings={"shape": shape},
            attributes=attributes,
            suffix=suffix,
        )


def product(sizes: Sequence[Any]) -> Any:
    """The number of elements; raises SizeMismatchError where it is no multiple of the batch."""
    found: Any = 1
    for size in sizes:
        found = found * size
    return found


def verbatim(call: Call) -> Sequence[Operand]:
    """An equation that has no neutral word keeps its own name, its operands, and the numbers among its parameters."""
    equation = call.equation
    if equation.bind is None:
        raise SizeMismatchError(equation.name)
    operands = {
        f"input.{position}" if position else "input": _in_shape(call, held, position)
        for position, held in enumerate(call.operands)
    }
    plain = {key: value for key, value in equation.params.items() if _is_plain(value)}
    ref = call.emit(
        f"lax.{equation.name}",
        equation.bind,
        operands,
        equation.outputs if equation.is_multiple else call.result,
        settings=equation.params,
        attributes=plain,
    )
    return [Ref(ref.record, port) for port in range(len(equation.outputs))]


def _in_shape(call: Call, operand: Operand, position: int) -> Operand:
    """The operand; a number that stands for more than a scalar as a value of its shape."""
    is_scalar = isinstance(operand, Number) and not operand.shape
    return operand if is_scalar else call.tensor(operand, f"full_{position}")


def _is_plain(value: Any) -> bool:
    """Whether a parameter can be written down: numbers, text, and tuples of them."""
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str | np.generic) or has_size(value)
