"""`Editing`: what a rewriting knows of a flat graph, and how it makes calls of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf

from clika_core.ir.recording import Ref
from clika_tensorflow.flattening import FlatCall, FlatGraph
from clika_tensorflow.raw_calls import RawCall
from clika_tensorflow.state import StateTensor


class Editing:
    """A graph, with the state that new calls need."""

    def __init__(self, graph: FlatGraph) -> None:
        """Look at `graph`, which is not changed."""
        self.graph = graph
        self._state = dict(graph.state)

    def finish(self, calls: Iterable[FlatCall]) -> FlatGraph:
        """The graph with other calls."""
        return replace(self.graph, calls=tuple(calls), state=self._state)

    @cached_property
    def by_id(self) -> Mapping[str, FlatCall]:
        """Every call."""
        return {call.id: call for call in self.graph.calls}

    @cached_property
    def _readers(self) -> Mapping[str, list[FlatCall]]:
        found: dict[str, list[FlatCall]] = {}
        for call in self.graph.calls:
            for name in {ref.record for ref in call.reads}:
                found.setdefault(name, []).append(call)
        return found

    @cached_property
    def _returned(self) -> Counter[str]:
        return Counter(ref.record for ref in self.graph.outputs)

    @cached_property
    def _parametric(self) -> set[str]:
        found = set(self.graph.state)
        for call in self.graph.calls:
            if all(ref.record in found for ref in call.reads):
                found.add(call.id)
        return found

    def only_reader(self, call: FlatCall) -> FlatCall | None:
        """The one call that reads what `call` gives; None where there are others, or the model returns it."""
        readers = self._readers.get(call.id, [])
        return readers[0] if len(readers) == 1 and not self._returned[call.id] else None

    def is_parametric(self, ref: Ref) -> bool:
        """Whether a value depends on no input."""
        return ref.record in self._parametric

    def numbers(self, ref: Ref) -> Any:
        """The array that a constant is; None for anything else."""
        held = self._state.get(ref.record)
        return held.value if held is not None and isinstance(held.value, np.ndarray | np.generic) else None

    def constant(self, name: str, numbers: Any, dtype: Any = np.int32) -> Ref:
        """New state: a constant."""
        self._state[name] = StateTensor(name, np.asarray(numbers, dtype), is_parameter=False)
        return Ref(name)

    def call(
        self,
        like: FlatCall,
        name: str,
        kind: str,
        arguments: dict[str, Any],
        shape: Sequence[int | None] | None,
        **attributes: Any,
    ) -> FlatCall:
        """A new call of a raw operation that gives a value of `shape`, at the place of `like` in the user's model."""
        function = RawCall(kind, getattr(tf.raw_ops, kind), attributes)
        return FlatCall(name, like.native, function, arguments, 1, shape)


def input_shape(call: FlatCall, position: int) -> list[int | None] | None:
    """The static shape of a call's operand; None where not even its rank is known."""
    shape = call.native.inputs[position].shape
    return shape.as_list() if shape.rank is not None else None
