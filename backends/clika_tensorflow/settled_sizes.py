"""Sizes that a trace settles: those that never change become constants, and those that follow the batch are read
from an input instead of from a value in the middle of the model.

A mask over positions is computed from such sizes. It is an operand then that needs no layer to be computed first,
and where all of its sizes are fixed it is a constant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, Final

import numpy as np
import tensorflow as tf

from clika_core.ir.recording import Ref
from clika_tensorflow.flattening import FlatCall, FlatGraph
from clika_tensorflow.observing import SYMBOL, Observed
from clika_tensorflow.raw_calls import RawCall
from clika_tensorflow.state import StateTensor

_LARGEST: Final = 64  # elements of what is computed here

_MOVES: Final = frozenset({"StridedSlice", "Slice", "GatherV2", "Split", "SplitV", "Unpack", "Squeeze"})
"""What gives some of the sizes it is given: one that did not change with the batch is none that follows it."""


def settled(graph: FlatGraph, observed: Observed) -> FlatGraph:
    """The same graph with its sizes settled; what the model returns is left as it is."""
    walk = _Walk(graph, observed)
    calls = [new for call in graph.calls if (new := walk.settle(call)) is not None]
    return replace(graph, calls=calls, state={**graph.state, **walk.constants})


@dataclass(eq=False)
class _Walk:
    graph: FlatGraph
    observed: Observed
    constants: dict[str, StateTensor] = field(default_factory=dict)
    _sizes: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._returned = {ref.record for ref in self.graph.outputs}
        self._shapes = {call.id: call.static_shape for call in self.graph.calls}

    def settle(self, call: FlatCall) -> FlatCall | None:
        """The call, another in its place, or None where a constant takes it."""
        if call.id in self._returned:
            return call
        if call.type == "Shape":
            return self._settle_shape(call)
        reads = [ref.record for ref in call.reads]
        if not any(name in self._sizes for name in reads) or call.count != 1:
            return call
        self._sizes.add(call.id)
        if all(self._number(name) is not None for name in reads):
            return self._computed(call)
        numbers = self.observed.numbers(Ref(call.id))
        return self._kept(call, numbers) if call.type in _MOVES and _are_fixed(numbers) else call

    def _settle_shape(self, call: FlatCall) -> FlatCall | None:
        """A size counts as fixed where TensorFlow knows it beforehand, not because it was the same twice."""
        (source,) = call.reads
        self._sizes.add(call.id)
        known, seen = self._static(source), self.observed.numbers(Ref(call.id))
        if known is None or not isinstance(seen, tuple) or not _is_explained(known, seen):
            return call
        if None not in known:
            return self._kept(call, seen)
        batch = self._batched_input()
        if batch is None or source.record == batch:
            return call
        function = RawCall("Shape", _Sizes(tuple(known), call.native.get_attr("out_type")), {})
        return replace(call, function=function, arguments={"input": Ref(batch)})

    def _computed(self, call: FlatCall) -> FlatCall | None:
        """A constant for what numbers alone give; a large one, such as a mask, stays an expression of them."""
        arguments = {
            name: [self._number(ref.record) for ref in value]
            if isinstance(value, list)
            else self._number(value.record)
            for name, value in call.arguments.items()
        }
        if prod(self.observed.first[Ref(call.id)].shape) > _LARGEST:
            return call
        return self._kept(call, call.function(arguments)[0])

    def _kept(self, call: FlatCall, numbers: Any) -> FlatCall | None:
        """None: the numbers are a constant in the place of `call`."""
        value = np.asarray(numbers, self.observed.first[Ref(call.id)].dtype)
        self.constants[call.id] = StateTensor(call.id, value, is_parameter=False)
        return None

    def _number(self, name: str) -> Any:
        """The array that a constant is; None for anything else."""
        held = self.constants.get(name) or self.graph.state.get(name)
        is_array = held is not None and isinstance(held.value, np.ndarray | np.generic)
        return held.value if held is not None and is_array else None

    def _static(self, source: Ref) -> Sequence[int | None] | None:
        if source.record in self._shapes:
            return self._shapes[source.record] if source.port == 0 else None
        if source.record in self.graph.inputs:
            value = self.observed.value(source)
            return [size if isinstance(size, int) else None for size in value.shape]
        held = self.graph.state.get(source.record)
        return None if held is None else list(held.value.shape)

    def _batched_input(self) -> str | None:
        """The first input whose first axis is the batch."""
        shapes: Mapping[str, Sequence[Any]] = {
            name: self.observed.value(Ref(name)).shape for name in self.graph.inputs
        }
        return next((name for name, shape in shapes.items() if shape and shape[0] == SYMBOL), None)


def _is_explained(known: Sequence[int | None], seen: Sequence[Any]) -> bool:
    """Whether every size that is not known beforehand was the batch."""
    if len(known) != len(seen):
        return False
    return all(found == (SYMBOL if size is None else size) for size, found in zip(known, seen, strict=True))


def _are_fixed(numbers: Any) -> bool:
    if isinstance(numbers, tuple):
        return all(map(_are_fixed, numbers))
    return isinstance(numbers, int)


@dataclass(frozen=True)
class _Sizes:
    """Sizes of which some are those of an input's first axis (None)."""

    sizes: tuple[int | None, ...]
    dtype: Any

    def __call__(self, input: Any) -> Any:
        batch = tf.shape(input, self.dtype)[0]
        return tf.stack([batch if size is None else tf.constant(size, self.dtype) for size in self.sizes])
