"""The quantized model's arithmetic as a backend trains it: the simulation, and what distillation adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clika_core.backend.interface import Array, TracedModel
from clika_core.simulation.visitor import Simulation


@dataclass(frozen=True)
class QuantizedProgram:
    """Runs a simulation. Implements `clika_core.backend.trainable.TrainedProgram`."""

    simulation: Simulation

    def __call__(self, model: TracedModel, inputs: Sequence[Array]) -> tuple[Array, ...]:
        """The graph's outputs, as reals."""
        return self.simulation.run(model, inputs)

    def with_losses(
        self, model: TracedModel, inputs: Sequence[Array]
    ) -> tuple[tuple[Array, ...], Mapping[str, Array]]:
        """The outputs; nothing else is to be lowered."""
        return self(model, inputs), {}
