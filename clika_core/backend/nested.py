"""Nested containers of arrays, as users give targets and models give results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    """`value` with `function` of every leaf; dicts, lists and tuples are opened, anything else is a leaf.

    >>> mapped({"a": [1, (2, 3)]}, lambda x: x + 1)
    {'a': [2, (3, 4)]}
    """
    if isinstance(value, Mapping):
        return {key: mapped(item, function) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(mapped(item, function) for item in value)
    return function(value)
