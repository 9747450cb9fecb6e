"""`ScheduledModel`: what every traced model shares whose layers run by a `Schedule`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, Protocol

from clika_core.backend.interface import TracedModel
from clika_core.backend.interpreter import LayerRole, run_natively
from clika_core.backend.operation_table import Native, OperationTable
from clika_core.backend.schedule import Schedule, make_schedule
from clika_core.ir.graph import Graph
from clika_core.ir.recording import Region


class FoundTrace(Protocol):
    """What tracing found out: the program, and the graph with the region of each layer."""

    @property
    def program(self) -> OperationTable[Any]:
        """The native operations."""

    @property
    def graph(self) -> Graph:
        """The neutral graph."""

    @property
    def regions(self) -> Mapping[str, Region]:
        """What each layer computes, by its name."""


class ScheduledModel(TracedModel, Generic[Native]):
    """A trace with arrays to run it on, some layers passed over, some operands replaced."""

    def __init__(
        self,
        trace: FoundTrace,
        removed: Mapping[str, str | None] | None,
        schedule: Schedule[Native] | None,
    ) -> None:
        """Take a trace and the layers to pass over; a schedule where it is known already."""
        self.graph = trace.graph
        self.removed = dict(removed or {})
        self._found = trace
        self._schedule = schedule

    @property
    @abstractmethod
    def overrides(self) -> dict[LayerRole, Any]:
        """What replaces operands, by layer and role; None for one that is left out. Change it by `override`."""

    def run(self, inputs: Any) -> Any:
        """The model's own result, with its own structure, for `inputs` as the model takes them."""
        arrays = self.flatten_inputs(inputs)
        return self.result(self.interpret(arrays, run_natively), arrays)

    def override(self, layer: str, role: str, array: Any | None) -> None:
        """Replace an operand of one layer; None leaves it out."""
        self.overrides[layer, role] = array
        self._schedule = None

    def overrides_of(self, layer: str) -> dict[str, Any]:
        """What replaces operands of one layer, by role."""
        return {role: array for (name, role), array in self.overrides.items() if name == layer}

    @property
    def schedule(self) -> Schedule[Native]:
        """How the layers that are left run; made when it is first needed after a change."""
        if self._schedule is None:
            found = self._found
            self._schedule = make_schedule(
                found.program, found.graph, found.regions, self.removed, self.overrides
            )
        return self._schedule
