"""What every value of a trace is: dtype, shape, and which sizes follow the batch. Found by running the calls.

They are run on the example inputs, and once more with one sample more: what grew depends on the batch, and by how
much it grew says how.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import tensorflow as tf

from clika_core.ir.graph import AttributeValue, Value
from clika_core.ir.recording import Ref, SymbolicSize
from clika_tensorflow.dtypes import dtype_name
from clika_tensorflow.flattening import FlatGraph

SYMBOL: Final = "batch"
_LARGEST_KEPT: Final = 64  # elements of integers: shapes, axes, paddings


@dataclass(frozen=True, slots=True)
class Seen:
    """One value in one run; `numbers` are its elements where it holds a few integers."""

    dtype: str
    shape: tuple[int, ...]
    numbers: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """Both runs; `batch` is the size of the first."""

    first: Mapping[Ref, Seen]
    second: Mapping[Ref, Seen]
    batch: int

    def value(self, ref: Ref) -> Value:
        """Dtype and shapes, symbolic where they follow the batch."""
        one, two = self.first[ref], self.second[ref]
        shape = tuple(size(a, b, self.batch) for a, b in zip(one.shape, two.shape, strict=True))
        return Value(one.dtype, shape, one.shape)

    def numbers(self, ref: Ref) -> AttributeValue:
        """The integers that a value holds, symbolic where they follow the batch; None where it holds others."""
        one, two = self.first[ref].numbers, self.second[ref].numbers
        return None if one is None else _merged(one, two, self.batch)


def observe(graph: FlatGraph, arrays: Sequence[Any], more: Sequence[Any] | None) -> Observed:
    """Run the calls on `arrays`, and on `more`: the same with one sample more, None where the batch is fixed."""
    first = _run(graph, arrays)
    second = first if more is None else _run(graph, more)
    batch = next((array.shape[0] for array in arrays if array.shape.rank), 1)
    return Observed(first, second, int(batch))


def size(one: int, two: int, batch: int) -> int | str:
    """`batch`, `2*batch`, `batch + 1`: what explains both sizes, seen with `batch` and with one sample more."""
    slope = two - one
    if slope == 0:
        return int(one)
    rest = one - slope * batch
    product = SYMBOL if slope == 1 else f"{slope}*{SYMBOL}"
    return SymbolicSize(f"{product} + {rest}" if rest else product)


def _merged(one: Any, two: Any, batch: int) -> AttributeValue:
    if isinstance(one, list):
        return tuple(_merged(a, b, batch) for a, b in zip(one, two, strict=True))
    return one if isinstance(one, bool) else size(one, two, batch)


def _run(graph: FlatGraph, arrays: Sequence[Any]) -> dict[Ref, Seen]:
    values: dict[Ref, Any] = {Ref(name): array for name, array in zip(graph.inputs, arrays, strict=True)}
    values.update((Ref(name), tf.convert_to_tensor(held.value)) for name, held in graph.state.items())
    seen = {ref: _see(value) for ref, value in values.items()}
    last = {ref: position for position, call in enumerate(graph.calls) for ref in call.reads}
    for position, call in enumerate(graph.calls):
        arguments = {
            name: [values[ref] for ref in value] if isinstance(value, list) else values[value]
            for name, value in call.arguments.items()
        }
        for port, result in enumerate(call.function(arguments)):
            ref = Ref(call.id, port)
            seen[ref] = _see(result)
            if ref in last:
                values[ref] = result
        for ref in set(call.reads):
            if last[ref] == position:
                del values[ref]
    return seen


def _see(value: Any) -> Seen:
    shape = tuple(map(int, value.shape))
    is_kept = (value.dtype.is_integer or value.dtype.is_bool) and int(np.prod(shape)) <= _LARGEST_KEPT
    return Seen(dtype_name(value.dtype), shape, value.numpy().tolist() if is_kept else None)
