"""`TracedProgram`: what a trace left to run. Operations in order, the tensors they use, inputs and results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from clika_core.backend.operation_table import OperationTable
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
class TracedProgram(OperationTable[Operation]):
    """Operations and state by id, in order; `inputs` are ids.

    `results` stand beside the leaves of `result`: None for the graph's next output, a `Ref` for a size that is
    computed, or a number that the trace found fixed. Never changed after tracing: copies share it.
    """

    state: Mapping[str, StateTensor]
    results: tuple[Any, ...]
    result: Flat
