"""Running a schedule: every layer through a visitor, the rest natively, no value kept longer than it is read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeAlias

from clika_core.backend.interface import LayerCall, Visitor
from clika_core.backend.operation_table import Native
from clika_core.backend.schedule import Schedule, Step
from clika_core.ir.recording import Ref

LayerRole: TypeAlias = tuple[str, str]


def run_natively(call: LayerCall) -> tuple[Any, ...]:
    """The visitor that changes nothing."""
    return call.run()


class Interpreter(ABC, Generic[Native]):
    """One run of a schedule; a backend says how one layer is called and how one operation is computed."""

    def __init__(
        self,
        schedule: Schedule[Native],
        state: Mapping[str, Any],
        overrides: Mapping[LayerRole, Any],
        inputs: Mapping[str, Any],
    ) -> None:
        """`state` by id; `overrides` replace a layer's own operand (None: left out); `inputs` by id."""
        self._schedule, self._state = schedule, state
        self._values: dict[Ref, Any] = {Ref(name): value for name, value in inputs.items()}
        self._added: dict[str, dict[str, Any]] = {}
        for (layer, role), array in overrides.items():
            self._added.setdefault(layer, {})[role] = array

    @abstractmethod
    def call(self, step: Step[Native], inputs: tuple[Any, ...], weights: Mapping[str, Any]) -> LayerCall:
        """The layer about to run; a weight of None is left out."""

    @abstractmethod
    def results(self, operation: Native) -> Mapping[Ref, Any]:
        """What an operation outside all layers gives."""

    def run(self, visitor: Visitor) -> tuple[Any, ...]:
        """Visit every layer; the values beside the graph's output nodes."""
        for step in self._schedule.steps:
            self._help(step.helpers)
            self.visit(step, visitor)
            for ref in step.frees:
                self._values.pop(ref, None)
        return tuple(map(self.value, self._schedule.outputs))

    def value(self, ref: Ref) -> Any:
        """A value that is there: computed, or state."""
        source = self._schedule.passed.get(ref, ref)
        return self._values[source] if source in self._values else self._state[source.record]

    def visit(self, step: Step[Native], visitor: Visitor) -> None:
        """One layer through the visitor; what it gives is kept."""
        outputs = visitor(self.call(step, tuple(map(self.value, step.inputs)), self._weights(step)))
        self._values.update(zip(step.region.outputs, outputs, strict=True))

    def _weights(self, step: Step[Native]) -> dict[str, Any]:
        """The layer's own operands, with what replaces them; None for one that is left out."""
        added = self._added.get(step.node.name, {})
        own = {role: self.value(ref) for role, ref in step.weights.items() if role not in added}
        return {**own, **added}

    def _help(self, operations: Iterable[Native]) -> None:
        for operation in operations:
            self._values.update(self.results(operation))
