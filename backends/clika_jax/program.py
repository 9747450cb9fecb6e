"""`TracedProgram`: what a trace left to run. Operations in order, the arrays they use, inputs and results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from clika_core.backend.operation_table import OperationTable
from clika_jax.operation import Operation


@dataclass(frozen=True, slots=True, eq=False)
class StateArray:
    """A parameter or a constant of the program: its name in the user's model, and its values."""

    name: str
    array: Any
    is_parameter: bool


@dataclass(frozen=True, eq=False)
class TracedProgram(OperationTable[Operation]):
    """Operations and state by id, in order; `inputs` are ids.

    `results` stand beside the leaves of the model's result, whose structure is `result`: None for the graph's next
    output, or a number that the trace found fixed. `batch_of` says where the batch is read: the position of an
    input whose first axis is free; None where no size is.
    """

    state: Mapping[str, StateArray]
    results: tuple[Any, ...]
    result: Any
    batch_of: int | None

    @cached_property
    def has_loops(self) -> bool:
        """Whether loops were unrolled in it."""
        return any(operation.iterations for operation in self.operations.values())
