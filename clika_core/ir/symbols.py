"""Sizes that are free to change get the names `d0`, `d1`, ... in order of appearance, in every framework."""

from __future__ import annotations

import re
from collections.abc import Mapping

from clika_core.ir.graph import AttributeValue, Shape, Value
from clika_core.ir.recording import SymbolicSize

_SYMBOL = re.compile(r"[A-Za-z_]\w*(?!\w|\s*\()")  # a name that is not called: in `max(s0, 1)` only `s0`


class SymbolNames:
    """Renames symbols, alone and inside expressions: `2*s0` becomes `2*d0`."""

    def __init__(self) -> None:
        """No symbol has appeared yet."""
        self._names: dict[str, str] = {}

    def value(self, value: Value) -> Value:
        """`value` with its symbolic sizes renamed."""
        return Value(value.dtype, self.shape(value.shape), value.example_shape)

    def shape(self, shape: Shape) -> Shape:
        """Every size that is a string is symbolic."""
        return tuple(self._rename(size) if isinstance(size, str) else size for size in shape)

    def attributes(self, attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
        """Attributes with every `SymbolicSize` renamed, now plain text."""
        return {key: self._attribute(value) for key, value in attributes.items()}

    def _attribute(self, value: AttributeValue) -> AttributeValue:
        if isinstance(value, tuple):
            return tuple(map(self._attribute, value))
        return self._rename(value) if isinstance(value, SymbolicSize) else value

    def _rename(self, expression: str) -> str:
        return _SYMBOL.sub(self._name, expression)

    def _name(self, match: re.Match[str]) -> str:
        return self._names.setdefault(match.group(), f"d{len(self._names)}")
