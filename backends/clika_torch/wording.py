"""One native call in neutral words: its type, its operands with their roles and places, its attributes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import fx
from torch._ops import OpOverload

from clika_core.ir.graph import AttributeValue
from clika_torch.operation import Slot, named_arguments
from clika_torch.operators import Call, Mapping, find
from clika_torch.operators.mapping import plain


@dataclass(slots=True)
class Wording:
    """What one call is. `slots` hold the place of every operand, of those that the call leaves out too."""

    type: str
    arguments: dict[str, Any]
    operands: list[tuple[str, fx.Node]] = field(default_factory=list)
    slots: dict[str, Slot] = field(default_factory=dict)
    attributes: dict[str, AttributeValue] = field(default_factory=dict)
    is_trimmed: bool = False


def word(node: fx.Node) -> Wording:
    """Say a call in neutral words; one that has none keeps its own name, its tensors and its numbers."""
    if not isinstance(node.target, OpOverload):
        name = getattr(node.target, "__name__", str(node.target))
        return _verbatim(Wording(f"torch.{name}", named_arguments(node)))
    call = Call(node)
    found = find(call)
    if found is None:
        return _verbatim(Wording(call.name, named_arguments(node)))
    type_name, mapping = found
    wording = Wording(type_name, named_arguments(node), is_trimmed=mapping.is_trimmed)
    _map_operands(wording, call, mapping)
    wording.attributes |= mapping.attributes(call)
    return wording


def _map_operands(wording: Wording, call: Call, mapping: Mapping) -> None:
    """Operands in the order of their roles; tensors that the mapping does not speak of come after them."""
    for role, argument in mapping.operands:
        for own_role, slot, value in _entries(role, argument, call.arguments[argument]):
            wording.slots[own_role] = slot
            if is_array(value):
                wording.operands.append((own_role, value))
            elif value is not None:
                wording.attributes[own_role] = plain(value)
    spoken_of = {argument for _, argument in mapping.operands} | set(mapping.shape_only)
    _add_tensors(wording, (name for name in wording.arguments if name not in spoken_of))


def _entries(role: str, argument: str, value: Any) -> Iterator[tuple[str, Slot, Any]]:
    """The operands that one argument holds: one, or for a role ending in `*` one for each tensor of a list."""
    if not role.endswith("*"):
        yield role, Slot(argument), value
    elif isinstance(value, list | tuple):
        for index, entry in enumerate(value):
            if is_array(entry):
                yield f"{role[:-1]}.{index}", Slot(argument, index), entry
    else:
        yield f"{role[:-1]}.0", Slot(argument), value


def _add_tensors(wording: Wording, names: Iterable[str]) -> None:
    """Every tensor among the named arguments as operand, under the argument's own name; `self` is `input`."""
    for name in names:
        value = wording.arguments[name]
        base = "input" if name == "self" else name
        role = f"{base}*" if isinstance(value, list | tuple) else base
        for own_role, slot, entry in _entries(role, name, value):
            if is_array(entry):
                wording.slots[own_role] = slot
                wording.operands.append((own_role, entry))


def _verbatim(wording: Wording) -> Wording:
    _add_tensors(wording, list(wording.arguments))
    for name, value in wording.arguments.items():
        attribute = plain(value)
        if _is_attribute(attribute):
            wording.attributes[name] = attribute
    return wording


def _is_attribute(value: Any) -> bool:
    """Whether a value can be written down: numbers, text, and tuples of them."""
    if isinstance(value, tuple):
        return all(map(_is_attribute, value))
    return value is None or isinstance(value, bool | int | float | str)


def is_array(value: Any) -> bool:
    """Whether a node's result is a tensor, not a size."""
    return isinstance(value, fx.Node) and isinstance(value.meta.get("val"), torch.Tensor | list | tuple)
