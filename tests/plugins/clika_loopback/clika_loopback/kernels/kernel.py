"""What a kernel is, and what several of them need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Operands: TypeAlias = Mapping[str, Array]
Attributes: TypeAlias = Mapping[str, Any]
Kernel: TypeAlias = Callable[[Operands, Attributes], Array | tuple[Array, ...]]


def operand(operands: Operands, attributes: Attributes, role: str) -> Any:
    """The operand of that role: an array, or a number among the attributes."""
    return operands[role] if role in operands else attributes[role]


def unary(function: Callable[[Array], Any]) -> Kernel:
    """A kernel of the operand `input` alone; the result has its floating dtype, or is of booleans."""

    def run(operands: Operands, _: Attributes) -> Array:
        x = operands["input"]
        result = np.asarray(function(x))
        return result if result.dtype == bool else result.astype(x.dtype)

    return run


def last_axes(array: Array, chosen: Iterable[slice]) -> Array:
    """A view of `array` with slices along its last axes."""
    index: tuple[Any, ...] = (..., *chosen)
    return np.asarray(array[index])


def along(values: Array, axis: int, rank: int) -> Array:
    """A vector, shaped to broadcast along one axis of an array of `rank` axes."""
    return values.reshape([-1 if position == axis % rank else 1 for position in range(rank)])
