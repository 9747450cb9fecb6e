"""`OperationTable`: the native operations of a trace, in order, and what they read.

For backends whose traces are lists of operations. `schedule` makes layers to run of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Protocol, Self, TypeVar

from clika_core.ir.recording import Ref


class NativeOperation(Protocol):
    """One native call."""

    @property
    def id(self) -> str:
        """The record's id."""

    @property
    def reads(self) -> Iterator[Ref]:
        """Every value that the call reads, in order."""

    @property
    def slots(self) -> Mapping[str, Any]:
        """Where each operand of the layer that this call computes has its place, by role."""


Native = TypeVar("Native", bound=NativeOperation)


@dataclass(frozen=True, eq=False)
class OperationTable(Generic[Native]):
    """Operations by id, in order; parameters, buffers and constants by id; the ids of the inputs.

    Never changed after tracing: copies share it.
    """

    operations: Mapping[str, Native]
    state: Mapping[str, Any]
    inputs: tuple[str, ...]

    def needed(self, refs: Iterable[Ref], is_given: Callable[[Ref], bool]) -> tuple[Native, ...]:
        """The operations that compute `refs`, in order, from state and from values that are given."""
        found: dict[str, Native] = {}
        waiting = list(refs)
        while waiting:
            ref = waiting.pop()
            operation = self.operations.get(ref.record)
            if operation is not None and not is_given(ref) and operation.id not in found:
                found[operation.id] = operation
                waiting.extend(operation.reads)
        return tuple(sorted(found.values(), key=lambda operation: self.order[operation.id]))

    def reads_inputs(self, ref: Ref) -> bool:
        """Whether a value that is none of a layer's needs the inputs: their sizes, that is."""
        given = set(self.inputs)
        reads = (read for operation in self.needed([ref], lambda _: False) for read in operation.reads)
        return any(read.record in given for read in reads)

    @cached_property
    def order(self) -> Mapping[str, int]:
        """The position of each operation."""
        return {name: position for position, name in enumerate(self.operations)}

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """The table itself."""
        return self
