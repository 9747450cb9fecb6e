"""`Operation`: one native call of a trace, with its arguments by name and references in place of tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from clika_core.ir.recording import Ref
from clika_tensorflow.dtypes import is_float

Function = Callable[[Mapping[str, Any], "str | None"], "list[Any]"]


@dataclass(frozen=True, slots=True)
class Slot:
    """Where an operand stands: the argument's name, and the position in it where the argument is a list."""

    argument: str
    index: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """`function(arguments, dtype)` gives a list of results. Arguments are references, lists of them, or NumPy arrays.

    `slots` say where each operand of the neutral record stands, operands that are left out included.
    """

    id: str
    function: Function
    arguments: Mapping[str, Any]
    slots: Mapping[str, Slot]

    @property
    def reads(self) -> Iterator[Ref]:
        """Every reference in the arguments, in order."""
        for value in self.arguments.values():
            yield from (
                item for item in (value if isinstance(value, list) else [value]) if isinstance(item, Ref)
            )

    def call(
        self,
        lookup: Callable[[Ref], Any],
        dtype: str | None = None,
        placed: Mapping[str, Any] | None = None,
    ) -> dict[Ref, Any]:
        """The results by reference.

        `placed` gives operands by role. With `dtype` everything floating that the trace wrote down has that dtype.
        """
        arguments = {
            name: [_resolved(item, lookup, dtype) for item in value]
            if isinstance(value, list)
            else _resolved(value, lookup, dtype)
            for name, value in self.arguments.items()
        }
        for role, value in (placed or {}).items():
            slot = self.slots[role]
            if slot.index is None:
                arguments[slot.argument] = value
            else:
                arguments[slot.argument][slot.index] = value
        results = self.function(arguments, dtype)
        return {Ref(self.id, port): result for port, result in enumerate(results)}


def _resolved(value: Any, lookup: Callable[[Ref], Any], dtype: str | None) -> Any:
    if isinstance(value, Ref):
        return lookup(value)
    if dtype is not None and isinstance(value, np.ndarray) and is_float(value):
        return value.astype(tf.as_dtype(dtype).as_numpy_dtype)
    return value
