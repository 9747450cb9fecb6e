"""How one native operation is said in neutral words: `Call` is what is known of it, `Wording` what it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import tensorflow as tf

from clika_core.ir.graph import AttributeValue, Value
from clika_core.ir.recording import Ref
from clika_tensorflow.dtypes import dtype_name
from clika_tensorflow.flattening import FlatCall
from clika_tensorflow.observing import Observed
from clika_tensorflow.operation import Function
from clika_tensorflow.raw_calls import RawCall

Attributes: TypeAlias = dict[str, AttributeValue]


@dataclass(frozen=True, slots=True)
class Call:
    """An operation with what the trace knows of its inputs, by argument name, and of its results."""

    flat: FlatCall
    observed: Observed
    parametric: Callable[[Ref], bool]

    @property
    def names(self) -> list[str]:
        """The arguments in order."""
        return list(self.flat.arguments)

    def attribute(self, name: str) -> Any:
        """An attribute, text decoded, dtypes by name."""
        own = self.flat.function.attributes if isinstance(self.flat.function, RawCall) else {}
        value = own[name] if name in own else self.flat.native.get_attr(name)
        if isinstance(value, bytes):
            return value.decode()
        return dtype_name(value) if isinstance(value, tf.DType) else value

    def ref(self, name: str) -> Ref:
        """The value that stands in the argument's place."""
        found: Ref = self.flat.arguments[name]
        return found

    def value(self, name: str) -> Value:
        """Dtype and shape of an argument."""
        return self.observed.value(self.ref(name))

    def shape(self, name: str) -> tuple[Any, ...]:
        """The sizes of an argument."""
        return self.value(name).shape

    def rank(self, name: str) -> int:
        """The number of axes of an argument."""
        return len(self.value(name).shape)

    def numbers(self, name: str) -> Any:
        """The integers that an argument holds: an axis, a shape, paddings; None where they depend on data."""
        return self.observed.numbers(self.ref(name))

    def result(self, port: int = 0) -> Value:
        """Dtype and shape of a result."""
        return self.observed.value(Ref(self.flat.id, port))

    def is_parametric(self, name: str) -> bool:
        """Whether an argument depends on parameters alone."""
        return self.parametric(self.ref(name))

    def axis(self, name: str, of: str, extra: int = 0) -> int:
        """An axis counted from the front."""
        return int(self.numbers(name)) % max(self.rank(of) + extra, 1)


@dataclass(frozen=True, slots=True)
class Move:
    """A movement of an operand in front of the operation, a record of its own: `permute`, `reshape`, `slice` ..."""

    type: str
    attributes: Attributes
    function: Callable[[Any], Any]


@dataclass(slots=True)
class Wording:
    """What one call is in neutral words.

    `operands` pair roles with arguments of `function`; an argument that is a list has roles by number. `moves` go
    ahead of an argument. `vacant` are arguments that the function takes and the call does not give. `results` is
    how many results there are, None for all; those behind it are left out.
    """

    type: str
    operands: Sequence[tuple[str, str]]
    attributes: Attributes = field(default_factory=dict)
    function: Function | None = None
    moves: dict[str, list[Move]] = field(default_factory=dict)
    vacant: Sequence[str] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    results: int | None = None


Rule: TypeAlias = Callable[[Call], "Wording | None"]


def no_attributes(_: Call) -> Attributes:
    """The operator has none."""
    return {}


def plain(
    type_name: str | Callable[[Call], str | None],
    roles: str = "input",
    attributes: Callable[[Call], Attributes] = no_attributes,
    results: int | None = None,
) -> Rule:
    """The rule of an operation whose first arguments are operands in these roles.

    A role ending in `*` numbers the entries of a list.
    """

    def rule(call: Call) -> Wording | None:
        name = type_name if isinstance(type_name, str) else type_name(call)
        if name is None:
            return None
        pairs = list(zip(roles.split(), call.names, strict=False))
        return Wording(name, pairs, attributes(call), results=results)

    return rule


def permuted(*axes: int) -> Move:
    """The axes in another order."""
    return Move("permute", {"axes": axes}, lambda x: tf.transpose(x, axes))


def reshaped(*shape: int) -> Move:
    """Other sizes."""
    return Move("reshape", {"shape": shape}, lambda x: tf.reshape(x, shape))
