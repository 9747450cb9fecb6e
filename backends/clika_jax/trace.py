"""`Trace`: everything that tracing found out about a model, except its arrays. Shared by all copies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clika_core.ir.graph import Graph
from clika_core.ir.recording import Region
from clika_jax.inputs import InputLayout
from clika_jax.program import TracedProgram


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """The program, how inputs are given to it, and the graph with the region of each layer."""

    program: TracedProgram
    layout: InputLayout
    graph: Graph
    regions: Mapping[str, Region]

    def batch(self, inputs: Sequence[Any]) -> Any:
        """The size of the batch in `inputs`; 0 where no size of the model depends on it."""
        position = self.program.batch_of
        return 0 if position is None else inputs[position].shape[0]

    def __deepcopy__(self, memo: dict[int, Any]) -> Trace:
        """The trace itself: it never changes."""
        return self
