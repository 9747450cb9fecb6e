"""`Work`: a quantized model that techniques improve one after the other, and what each of them says it did."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Array, TracedModel
from clika_core.ir.graph import ValueKey
from clika_core.numerics import QuantParams, raise_weight_scale_for_bias
from clika_core.observers.observer import Observer
from clika_core.planning.plan import Plan
from clika_core.simulation.parameters import Parameters, layer_weight_params
from clika_core.simulation.visitor import Simulation, simulation
from clika_core.targets.target import Arithmetic, Target


@dataclass(frozen=True)
class Work:
    """`model` is preprocessed, with parameters of its own; `inputs` are native, one batch, beside `graph.inputs`.

    `reference` is the float model that quantization is compared with, value by value: that before any technique, or
    one with the same results whose channels have other sizes. `observe` runs a model on all calibration data.
    """

    model: TracedModel
    reference: TracedModel
    plan: Plan
    target: Target
    parameters: Parameters
    simulation: Simulation
    inputs: Sequence[Array]
    observe: Callable[[TracedModel, Collection[ValueKey]], Mapping[ValueKey, Observer]]

    def with_parameters(self, parameters: Parameters) -> Work:
        """The same model with other quantization parameters."""
        made = simulation(self.model, self.plan, self.target, parameters)
        return replace(self, parameters=parameters, simulation=made)

    def with_reference(self, reference: TracedModel) -> Work:
        """The same model, compared with another one."""
        return replace(self, reference=reference)

    def with_activations(self, activations: Mapping[ValueKey, QuantParams]) -> Work:
        """The same model with other parameters of values between layers, and those of its weights anew."""
        given = replace(self.parameters, activations=activations)
        return self._fitted(given, self.simulation.specs)

    def with_weights(self, operands: Mapping[tuple[str, str], NDArray[Any]]) -> Work:
        """The same model with other operands by (layer, role), written into it, and with parameters that fit them."""
        for (layer, role), array in operands.items():
            self.model.parameters(layer)[role] = array
        return self._fitted(self.parameters, {layer for layer, _ in operands} & set(self.simulation.specs))

    def _fitted(self, given: Parameters, layers: Collection[str]) -> Work:
        """The same model with these parameters, those of the operands of `layers` as the model holds them."""
        weights = dict(given.weights)
        for layer in layers:
            found = layer_weight_params(
                self.simulation.wiring,
                self.plan.graph[layer],
                self.model.parameters(layer),
                given.activations,
                self.target,
                self.plan[layer].weights_num_bits,
            )
            weights.update({(layer, role): params for role, params in found.items()})
        return self.with_parameters(replace(given, weights=weights))

    def with_weight_params(self, params: Mapping[tuple[str, str], QuantParams]) -> Work:
        """The same model with other parameters of operands by (layer, role), raised where a bias would not fit."""
        weights = dict(self.parameters.weights)
        for (layer, role), own in params.items():
            spec, bias = self.simulation.specs[layer], self.model.parameters(layer).get("bias")
            weights[layer, role] = own
            if spec.arithmetic is Arithmetic.ACCUMULATE:
                inputs = next(given for given in spec.inputs if given is not None)
                weights[layer, role] = raise_weight_scale_for_bias(own, inputs, bias)
        return self.with_parameters(replace(self.parameters, weights=weights))

    def with_changes(self, changes: Mapping[str, Change]) -> Work:
        """The same model with what a visitor found for its layers, written into it."""
        params = {
            (layer, role): own for layer, found in changes.items() for role, own in found.params.items()
        }
        for layer, found in changes.items():
            self.model.parameters(layer).update(found.operands)
        return self.with_weight_params(params)

    def with_biases(self, biases: Mapping[str, NDArray[np.float32]]) -> Work:
        """The same model with other biases, written into it; a weight's scale is raised where one would not fit."""
        weights = dict(self.parameters.weights)
        for layer, bias in biases.items():
            self.model.parameters(layer)["bias"] = bias
            inputs = next(params for params in self.simulation.specs[layer].inputs if params is not None)
            weights[layer, "weight"] = raise_weight_scale_for_bias(weights[layer, "weight"], inputs, bias)
        return self.with_parameters(replace(self.parameters, weights=weights))


@dataclass(frozen=True)
class Change:
    """A layer's new operands by role, and new parameters of them."""

    operands: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    params: Mapping[str, QuantParams] = field(default_factory=dict)


@dataclass(frozen=True)
class Improvement:
    """What a technique did: the layers it changed, one sentence for people, and JSON for programs."""

    layers: tuple[str, ...]
    summary: str
    details: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
