"""`Mapping`: how a native operator is said in the neutral vocabulary; `Call`: what a mapping may ask about a call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import fx
from torch._ops import OpOverload

from clika_core.ir.graph import AttributeValue
from clika_core.ir.recording import SymbolicSize
from clika_torch.dtypes import dtype_name
from clika_torch.operation import named_arguments

Attributes: TypeAlias = dict[str, AttributeValue]


class Call:
    """A native call in an fx graph: its arguments by name, defaults filled in, with shapes from the trace."""

    def __init__(self, node: fx.Node) -> None:
        """Take a node whose target is an operator overload."""
        assert isinstance(node.target, OpOverload)
        self.node = node
        self.name = str(node.target)
        defaults = {
            argument.name: argument.default_value
            for argument in node.target._schema.arguments
            if argument.has_default_value()
        }
        self.arguments: dict[str, Any] = {**defaults, **named_arguments(node)}

    def __getitem__(self, name: str) -> Any:
        """The argument as the graph holds it, sizes as attributes hold them."""
        return plain(self.arguments[name])

    def is_tensor(self, name: str) -> bool:
        """Whether the argument is a tensor, not a number or None."""
        value = self.arguments[name]
        return isinstance(value, fx.Node) and isinstance(value.meta.get("val"), torch.Tensor)

    def tensor(self, name: str) -> torch.Tensor:
        """What the trace knows of a tensor argument: shape and dtype."""
        value: torch.Tensor = self.arguments[name].meta["val"]
        return value

    def shape(self, name: str) -> tuple[AttributeValue, ...]:
        """The sizes of a tensor argument."""
        return tuple(map(size, self.tensor(name).shape))

    @property
    def result(self) -> torch.Tensor:
        """What the trace knows of the result, or of the first of several."""
        value = self.node.meta["val"]
        first: torch.Tensor = value[0] if isinstance(value, list | tuple) else value
        return first

    @property
    def result_shape(self) -> tuple[AttributeValue, ...]:
        """The sizes of the first result."""
        return tuple(map(size, self.result.shape))

    def axis(self, name: str, tensor: str = "self", extra: int = 0) -> int:
        """An axis counted from the front; `extra` axes are added to the tensor's."""
        return normalise(self[name], self.tensor(tensor).dim() + extra)

    def axes(self, name: str, tensor: str = "self") -> tuple[int, ...]:
        """Axes counted from the front, ascending; None and an empty list stand for all."""
        rank = self.tensor(tensor).dim()
        given = self.arguments[name]
        if given is None or given == []:
            return tuple(range(rank))
        several = given if isinstance(given, list | tuple) else [given]
        return tuple(sorted(normalise(axis, rank) for axis in several))

    def numbers(self, name: str, count: int) -> tuple[AttributeValue, ...]:
        """A list argument of `count` numbers; a single number stands for all, an empty list for nothing."""
        given = self[name]
        several = given if isinstance(given, tuple) else (given,)
        return several * count if len(several) == 1 else several


def normalise(axis: int, rank: int) -> int:
    """`axis` counted from the front; a scalar counts as having one axis."""
    return axis % max(rank, 1)


def size(value: Any) -> AttributeValue:
    """A size as attributes hold it: a number, or `SymbolicSize` where it is free to change."""
    if isinstance(value, torch.SymInt | torch.SymFloat | torch.SymBool):
        constant = value.node.maybe_as_int() if isinstance(value, torch.SymInt) else None
        return SymbolicSize(str(value.node.expr)) if constant is None else constant
    number: AttributeValue = value
    return number


def plain(value: Any) -> Any:
    """An argument as attributes hold it: lists as tuples, sizes by `size`, dtypes by name; tensors as they are."""
    if isinstance(value, fx.Node):
        held = value.meta.get("val")
        return value if isinstance(held, torch.Tensor) else size(held)
    if isinstance(value, list | tuple):
        return tuple(map(plain, value))
    return dtype_name(value) if isinstance(value, torch.dtype) else size(value)


def no_attributes(_: Call) -> Attributes:
    """The operator has none."""
    return {}


def reduction(call: Call) -> Attributes:
    """Axes counted from the front, all where none is given."""
    axes = call.axes("dim") if "dim" in call.arguments else tuple(range(call.tensor("self").dim()))
    return {"axes": axes, "keep_dims": bool(call.arguments.get("keepdim", False))}


@dataclass(frozen=True, slots=True)
class Mapping:
    """A native operator in neutral words.

    `type` is a name of the vocabulary, or finds one from the call (None: none fits, the native name is kept).
    `operands` pair a role with the name of a native argument; a role ending in `*` numbers the entries of a list.
    `shape_only` names tensor arguments that give a shape or a dtype and no values. `is_trimmed` operators return
    more than the layer is about: only results that are read, and those before them, become ports.
    """

    type: str | Callable[[Call], str | None]
    operands: tuple[tuple[str, str], ...] = (("input", "self"),)
    attributes: Callable[[Call], Attributes] = no_attributes
    shape_only: tuple[str, ...] = ()
    is_trimmed: bool = False

    def type_of(self, call: Call) -> str | None:
        """The neutral type of one call."""
        return self.type if isinstance(self.type, str) else self.type(call)


def roles(text: str) -> tuple[tuple[str, str], ...]:
    """`"input=self other"` as operands: role and argument, or one name for both."""
    pairs = (word.partition("=") for word in text.split())
    return tuple((role, argument or role) for role, _, argument in pairs)
