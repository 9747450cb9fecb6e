"""`TracedProgram`: what a trace left to run. Operations in order, the tensors they use, inputs and results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import Tensor

from clika_core.ir.recording import Ref
from clika_torch.operation import Operation
from clika_torch.structure import Flat


@dataclass(frozen=True, slots=True, eq=False)
class StateTensor:
    """A parameter, buffer or constant: its name in the user's model, equal for tied ones, and its values."""

    name: str
    tensor: Tensor
    is_parameter: bool
    is_persistent: bool


@dataclass(frozen=True, eq=False)
class TracedProgram:
    """Operations and state by id, in order; `inputs` are ids.

    `results` stand beside the leaves of `result`: None for the graph's next output, a `Ref` for a size that is
    computed, or a number that the trace found fixed. Never changed after tracing: copies share it.
    """

    operations: Mapping[str, Operation]
    state: Mapping[str, StateTensor]
    inputs: tuple[str, ...]
    results: tuple[Any, ...]
    result: Flat

    def needed(self, refs: Iterable[Ref], is_given: Callable[[Ref], bool]) -> tuple[Operation, ...]:
        """The operations that compute `refs`, in order, from state and from values that are given."""
        found: dict[str, Operation] = {}
        waiting = list(refs)
        while waiting:
            ref = waiting.pop()
            operation = self.operations.get(ref.record)
            if operation is not None and not is_given(ref) and operation.id not in found:
                found[operation.id] = operation
                waiting.extend(operation.reads)
        return tuple(sorted(found.values(), key=lambda operation: self.order[operation.id]))

    @cached_property
    def order(self) -> Mapping[str, int]:
        """The position of each operation."""
        return {name: position for position, name in enumerate(self.operations)}

    def __deepcopy__(self, memo: dict[int, Any]) -> TracedProgram:
        """The program itself."""
        return self
