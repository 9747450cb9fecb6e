"""The quantized model's arithmetic as a backend trains it: simulation, learned scales, and distillation."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Array, LayerCall, TracedModel
from clika_core.backend.trainable import LearningArrays, Trained
from clika_core.ir.graph import ValueKey
from clika_core.simulation.learned import LearnedSimulation
from clika_core.simulation.visitor import Compute, SimulatingVisitor, Simulation, called
from clika_core.training.folding import Folding
from clika_core.training.precision import HalfPrecision, Visit

OUTPUTS = "distillation_outputs"
LAYERS = "distillation_layers"


@dataclass(frozen=True)
class Distillation:
    """The float model as teacher: of the outputs, and of what `layers` give (none: outputs alone).

    A floating-point output [N, C] is compared as logits, by divergence; any other value by relative error.
    `weight` multiplies what is added to the losses.
    """

    teacher: TracedModel  # preprocessed, with the weights it had before training
    layers: Collection[ValueKey] = ()
    weight: float = 1.0
    temperature: float = 1.0


@dataclass(frozen=True)
class QuantizedProgram:
    """Runs a simulation. Implements `clika_core.backend.trainable.TrainedProgram`."""

    simulation: Simulation
    learned: LearnedSimulation | None = None
    distillation: Distillation | None = None
    half: str | None = None  # the dtype of mixed precision in training
    is_recomputed: bool = False  # in training: inside layers nothing is kept for the backward pass
    is_folding: bool = False  # norms train, and weights they fold into are quantized: training from scratch

    @property
    def ranges(self) -> Mapping[str, NDArray[np.float32]]:
        """The scales to begin with, by name: see `clika_core.backend.interface.RangedProgram`."""
        return {} if self.learned is None else self.learned.initial

    def __call__(self, model: TracedModel, inputs: Sequence[Array]) -> tuple[Array, ...]:
        """The graph's outputs, as reals."""
        visitor = self._visitor(model)
        folding = Folding(model, uses_batch=False) if self.is_folding else None
        visit = visitor if folding is None else folding(visitor, visitor.reals)
        return visitor.finish(model.interpret(inputs, visit))

    def with_losses(self, model: TracedModel, inputs: Sequence[Array]) -> Trained:
        """The outputs, what distillation adds to the losses, and the statistics of norms."""
        compute = cast(LearningArrays, model.arrays).recomputed if self.is_recomputed else called
        visitor = self._visitor(model, compute, is_deployed=False)
        layers = () if self.distillation is None else self.distillation.layers
        student = _Recording(visitor, layers)
        visit = self._mixed(model, student, is_float=False)
        folding = Folding(model, uses_batch=True)
        if self.is_folding:
            visit = folding(visit, visitor.reals)
        outputs = visitor.finish(model.interpret(inputs, visit))
        if self.distillation is None:
            return Trained(outputs, {}, folding.statistics)
        teacher = _Recording(None, layers)
        float_model = self.distillation.teacher
        expected = float_model.interpret(inputs, self._mixed(float_model, teacher, is_float=True))
        arrays = cast(LearningArrays, model.arrays)
        losses = self._losses(model, arrays, (outputs, student.seen), (expected, teacher.seen))
        return Trained(outputs, losses, folding.statistics)

    def _mixed(self, model: TracedModel, visit: Visit, *, is_float: bool) -> Visit:
        """The visitor in mixed precision, where that is asked for."""
        if self.half is None:
            return visit
        exact = () if is_float else self.simulation.specs.keys()
        return HalfPrecision(model.graph, model.arrays, self.half, exact)(visit)

    def _visitor(
        self, model: TracedModel, compute: Compute = called, *, is_deployed: bool = True
    ) -> SimulatingVisitor:
        """Where nothing is deployed, float layers are the framework's own, which has their derivatives."""
        simulation = self.simulation if is_deployed else replace(self.simulation, float_orders={})
        if self.learned is not None and model.learned:
            return replace(self.learned, simulation=simulation).visitor(model, compute)
        return simulation.visitor(model.arrays, compute)

    def _losses(
        self,
        model: TracedModel,
        arrays: LearningArrays,
        student: tuple[Sequence[Array], Mapping[ValueKey, Array]],
        teacher: tuple[Sequence[Array], Mapping[ValueKey, Array]],
    ) -> dict[str, Array]:
        chosen = self.distillation
        assert chosen is not None
        values = [model.graph.value(node.inputs[0].key) for node in model.graph.outputs]
        pairs = [
            arrays.divergence(found, wanted, chosen.temperature)
            if len(value.shape) == 2
            else arrays.relative_error(found, wanted)
            for value, found, wanted in zip(values, student[0], teacher[0], strict=True)
            if value.is_float
        ]
        layers = [arrays.relative_error(student[1][key], teacher[1][key]) for key in chosen.layers]
        named = {OUTPUTS: pairs, LAYERS: layers}
        return {
            name: sum(found[1:], found[0]) * (chosen.weight / len(found))
            for name, found in named.items()
            if found
        }


@dataclass
class _Recording:
    """A visitor that keeps the reals of some values; None: the float model."""

    visitor: SimulatingVisitor | None
    keys: Collection[ValueKey]
    seen: dict[ValueKey, Array] = field(default_factory=dict)

    def __call__(self, call: LayerCall) -> Sequence[Array]:
        """Run the layer, keep what is wanted."""
        outputs = call.run() if self.visitor is None else self.visitor(call)
        for port, value in enumerate(outputs):
            key = (call.node.name, port)
            if key in self.keys:
                self.seen[key] = value if self.visitor is None else self.visitor.real(key, value)
        return outputs


def distilled_layers(simulation: Simulation) -> tuple[ValueKey, ...]:
    """What intermediate distillation compares: the ends of quantized groups that compute, in trace order."""
    graph = simulation.wiring.graph
    moved = {end for end in simulation.coded if graph[end[0]].name in simulation.moving}
    return tuple(key for key in simulation.coded if key not in moved)
