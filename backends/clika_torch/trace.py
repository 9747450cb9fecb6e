"""`Trace`: everything that tracing found out about a model, except its tensors. Shared by all copies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clika_core.ir.graph import Graph
from clika_core.ir.recording import Region
from clika_torch.inputs import InputLayout
from clika_torch.program import TracedProgram


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """The program, how inputs are given to it, and the graph with the region of each layer."""

    program: TracedProgram
    layout: InputLayout
    graph: Graph
    regions: Mapping[str, Region]

    def __deepcopy__(self, memo: dict[int, Any]) -> Trace:
        """The trace itself: it never changes."""
        return self
