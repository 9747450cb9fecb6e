"""`Operation`: one native call of a trace, with its arguments by name and references in place of tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import fx
from torch._ops import OpOverload

from clika_core.ir.recording import Ref


@dataclass(frozen=True, slots=True)
class Slot:
    """Where an operand stands: the argument's name, and the position in it where the argument is a list."""

    argument: str
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """A call of `target`. Tensors and sizes that other operations compute are `Ref`s inside `arguments`.

    `slots` say where each operand of the neutral record stands, operands that are left out included.
    `is_multiple` says that the call returns several values: port k is the k-th; else port 0 is the value.
    """

    id: str
    target: Callable[..., Any]
    arguments: Mapping[str, Any]
    slots: Mapping[str, Slot]
    is_multiple: bool = False

    @property
    def reads(self) -> Iterator[Ref]:
        """Every reference in the arguments, in order."""
        return references(self.arguments)

    def call(self, arguments: Mapping[str, Any]) -> Any:
        """The native result for arguments by name."""
        if isinstance(self.target, OpOverload):
            return self.target(**arguments)
        return self.target(*arguments.values())


def references(value: Any) -> Iterator[Ref]:
    """Every `Ref` inside nested dicts and lists."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from references(item)


def replace_references(value: Any, replacement: Callable[[Ref], Any]) -> Any:
    """Nested dicts and lists with every `Ref` replaced; a tuple becomes a list."""
    if isinstance(value, Ref):
        return replacement(value)
    if isinstance(value, Mapping):
        return {key: replace_references(item, replacement) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [replace_references(item, replacement) for item in value]
    return value


def named_arguments(node: fx.Node) -> dict[str, Any]:
    """The arguments of a call as the graph gives them, by the operator's own names, else by position."""
    if not isinstance(node.target, OpOverload):
        return {**{str(position): value for position, value in enumerate(node.args)}, **node.kwargs}
    names = (argument.name for argument in node.target._schema.arguments)
    return {**dict(zip(names, node.args, strict=False)), **node.kwargs}
