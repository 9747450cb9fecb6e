"""`Work`: a quantized model that techniques improve one after the other, and what each of them says it did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Array, TracedModel
from clika_core.numerics import raise_weight_scale_for_bias
from clika_core.planning.plan import Plan
from clika_core.simulation.parameters import Parameters
from clika_core.simulation.visitor import Simulation, simulation
from clika_core.targets.target import Target


@dataclass(frozen=True)
class Work:
    """`model` is preprocessed, with parameters of its own; `inputs` are native, one batch, beside `graph.inputs`."""

    model: TracedModel
    plan: Plan
    target: Target
    parameters: Parameters
    simulation: Simulation
    inputs: Sequence[Array]

    def with_parameters(self, parameters: Parameters) -> Work:
        """The same model with other quantization parameters."""
        made = simulation(self.model, self.plan, self.target, parameters)
        return replace(self, parameters=parameters, simulation=made)

    def with_biases(self, biases: Mapping[str, NDArray[np.float32]]) -> Work:
        """The same model with other biases, written into it; a weight's scale is raised where one would not fit."""
        weights = dict(self.parameters.weights)
        for layer, bias in biases.items():
            self.model.parameters(layer)["bias"] = bias
            inputs = next(params for params in self.simulation.specs[layer].inputs if params is not None)
            weights[layer, "weight"] = raise_weight_scale_for_bias(weights[layer, "weight"], inputs, bias)
        return self.with_parameters(replace(self.parameters, weights=weights))


@dataclass(frozen=True)
class Improvement:
    """What a technique did: the layers it changed, and one sentence for people."""

    layers: tuple[str, ...]
    summary: str
