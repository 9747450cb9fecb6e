"""`TracedProgram` and `Trace`: what a trace left to run. It never changes: copies of a model share it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from clika_core.backend.operation_table import OperationTable
from clika_core.ir.graph import Graph
from clika_core.ir.recording import Ref, Region
from clika_tensorflow.example import Example
from clika_tensorflow.operation import Operation
from clika_tensorflow.state import StateTensor
from clika_tensorflow.structure import Flat


@dataclass(frozen=True, eq=False)
class TracedProgram(OperationTable[Operation]):
    """Operations and state by id, in order; `inputs` are ids.

    `results` stand beside the leaves of `result`: None for the graph's next output, a `Ref` for a size that is
    computed.
    """

    state: Mapping[str, StateTensor]
    results: tuple[Ref | None, ...]
    result: Flat


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """The program, how inputs are given to it, and the graph with the region of each layer."""

    program: TracedProgram
    example: Example
    graph: Graph
    regions: Mapping[str, Region]
