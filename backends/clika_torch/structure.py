"""Nested arguments and results, taken apart and put together again.

    flatten({"logits": t, "cache": [(k, v)]})  ->  {"logits": t, "cache.0.0": k, "cache.0.1": v}, Structure

A leaf is an array, or a size that the trace found free to change; every leaf has a path. Containers are dicts,
lists, tuples, named tuples, dataclasses, what is registered with torch's own pytrees, and any other object with
attributes that hold leaves (a key-value cache). The rest is constant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree

LEAVES = (torch.Tensor, np.ndarray, torch.SymInt, torch.SymFloat, torch.SymBool)


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that is part of the structure: None, a number, a string."""

    value: Any

    def build(self, leaves: Iterator[Any]) -> Any:
        """The constant itself."""
        return self.value


@dataclass(frozen=True, slots=True)
class Leaf:
    """Where a leaf stands."""

    def build(self, leaves: Iterator[Any]) -> Any:
        """The next leaf."""
        return next(leaves)


@dataclass(frozen=True, slots=True)
class Container:
    """Children in order, and how to make the container of them."""

    children: tuple[Structure, ...]
    make: Callable[[list[Any]], Any]

    def build(self, leaves: Iterator[Any]) -> Any:
        """The container, with its children built in order."""
        return self.make([child.build(leaves) for child in self.children])


Structure = Constant | Leaf | Container


@dataclass(frozen=True, slots=True)
class Flat:
    """A value taken apart: leaves and constants by path, in order, and the structure to put leaves back into."""

    leaves: Mapping[str, Any]
    constants: Mapping[str, Any]
    structure: Structure

    def build(self, leaves: Sequence[Any]) -> Any:
        """The value with other leaves, given in order."""
        return self.structure.build(iter(leaves))

    def without_arrays(self) -> Flat:
        """The same paths and structure, with None for every leaf: what may be kept for long."""
        return Flat(dict.fromkeys(self.leaves), self.constants, self.structure)


def flatten(value: Any) -> Flat:
    """Take `value` apart. A leaf that is the whole value has the path `""`."""
    leaves: dict[str, Any] = {}
    constants: dict[str, Any] = {}
    structure = _take_apart(value, "", (), leaves, constants)
    return Flat(leaves, constants, structure)


def _take_apart(
    value: Any, path: str, above: tuple[int, ...], leaves: dict[str, Any], constants: dict[str, Any]
) -> Structure:
    """The structure of `value`; one that is inside itself is constant there."""
    if isinstance(value, LEAVES):
        leaves[path] = value
        return Leaf()
    opened = None if id(value) in above else _open(value)
    if opened is None:
        constants[path] = value
        return Constant(value)
    items, make = opened
    children = tuple(
        _take_apart(child, f"{path}.{key}" if path else str(key), (*above, id(value)), leaves, constants)
        for key, child in items
    )
    return Container(children, make)


def _open(value: Any) -> tuple[list[tuple[Any, Any]], Callable[[list[Any]], Any]] | None:
    """The items of a container with their keys, and how to make one again; None for anything else."""
    kind = type(value)
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        return list(zip(kind._fields, value, strict=True)), partial(_make_namedtuple, kind)
    if kind in pytree.SUPPORTED_NODES:
        return _open_registered(value)
    if is_dataclass(value) and not isinstance(value, type):
        names = tuple(field.name for field in fields(value))
        return [(name, getattr(value, name)) for name in names], partial(_make_dataclass, kind, names)
    if isinstance(value, Mapping):
        return list(value.items()), partial(make_dict, tuple(value))
    if isinstance(value, list | tuple):
        return list(enumerate(value)), list if isinstance(value, list) else tuple
    if _holds_leaves(value):
        return list(vars(value).items()), partial(_make_object, kind, tuple(vars(value)))
    return None


def _holds_leaves(value: Any, above: tuple[int, ...] = ()) -> bool:
    """Whether a leaf can be reached through attributes and items; what contains itself is not followed."""
    if isinstance(value, LEAVES):
        return True
    if id(value) in above or isinstance(value, type | ModuleType) or callable(value):
        return False
    parts = value if isinstance(value, list | tuple) else getattr(value, "__dict__", {}).values()
    parts = value.values() if isinstance(value, Mapping) else parts
    return any(_holds_leaves(part, (*above, id(value))) for part in parts)


def _open_registered(value: Any) -> tuple[list[tuple[Any, Any]], Callable[[list[Any]], Any]]:
    definition = pytree.SUPPORTED_NODES[type(value)]
    children, context = definition.flatten_fn(value)
    keys: list[Any] = list(range(len(children)))
    if definition.flatten_with_keys_fn is not None:
        keys = [_plain(key) for key, _ in definition.flatten_with_keys_fn(value)[0]]
    return list(zip(keys, children, strict=True)), partial(make_registered, definition, context)


def _plain(key: Any) -> Any:
    """A pytree's key as one writes it: `key`, `name` or `idx` of the key objects."""
    return next((getattr(key, name) for name in ("key", "name", "idx") if hasattr(key, name)), key)


def make_registered(definition: pytree.NodeDef, context: Any, children: list[Any]) -> Any:
    """A container of a kind that torch's pytrees know."""
    return definition.unflatten_fn(children, context)


def _make_namedtuple(kind: type[Any], children: list[Any]) -> Any:
    return kind(*children)


def make_dict(keys: tuple[Any, ...], children: list[Any]) -> dict[Any, Any]:
    """A dict with these keys."""
    return dict(zip(keys, children, strict=True))


def _make_object(kind: type[Any], names: tuple[str, ...], children: list[Any]) -> Any:
    """An object with these attributes, made without its constructor."""
    made = object.__new__(kind)
    vars(made).update(zip(names, children, strict=True))
    return made


def _make_dataclass(kind: type[Any], names: tuple[str, ...], children: list[Any]) -> Any:
    """A dataclass made with its constructor; fields that it does not take are set afterwards."""
    values = dict(zip(names, children, strict=True))
    accepted = {field.name for field in fields(kind) if field.init}
    made = kind(**{name: values[name] for name in names if name in accepted})
    for name in names:
        if name not in accepted:
            object.__setattr__(made, name, values[name])
    return made
