"""Whether inputs are what a model was traced with, in dtype and shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clika_core.errors import DataError
from clika_core.ir.graph import Node, Value


def check_fit(arrays: Sequence[tuple[str, tuple[int, ...]]], nodes: Sequence[Node], conversion: str) -> None:
    """Raise DataError naming the input unless each array has the dtype and the shape of its input node.

    `arrays` are (dtype, shape). `conversion` says how the framework converts, with `{dtype}` for the wanted one.
    A size that is free to change may be anything, but the same wherever it occurs.
    """
    sizes: dict[str, int] = {}
    for (dtype, shape), node in zip(arrays, nodes, strict=True):
        value = node.outputs[0]
        if dtype != value.dtype:
            raise DataError(
                f"input {node.name!r} has another dtype than in the trace",
                found=dtype,
                expected=value.dtype,
                fix=f"convert it: .astype('{value.dtype}') in NumPy, {conversion.format(dtype=value.dtype)}",
            )
        sizes_here = _match(shape, value, sizes)
        if sizes_here is None:
            raise DataError(
                f"input {node.name!r} has a shape that the traced model does not take",
                found=str(list(shape)),
                expected=_wanted(value, sizes),
                fix="check the order of the axes; sizes other than the first axis are those of the example inputs",
            )
        sizes = sizes_here


def _match(shape: tuple[int, ...], value: Value, sizes: Mapping[str, int]) -> dict[str, int] | None:
    """The sizes of all symbols known now; None where a shape contradicts them or the trace."""
    if len(shape) != len(value.shape):
        return None
    found = dict(sizes)
    for size, wanted in zip(shape, value.shape, strict=True):
        if size != (found.setdefault(wanted, size) if isinstance(wanted, str) else wanted):
            return None
    return found


def _wanted(value: Value, sizes: Mapping[str, int]) -> str:
    parts = (
        f"{size} (= {sizes[size]} elsewhere)" if isinstance(size, str) and size in sizes else str(size)
        for size in value.shape
    )
    return f"[{', '.join(parts)}]"
