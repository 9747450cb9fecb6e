"""What techniques work on, one after the other, and what each of them says it did.

`FloatWork` is a model before any range is known, `Work` the quantized model.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Array, TracedModel
from clika_core.ir.graph import ValueKey
from clika_core.numerics import QuantParams, raise_weight_scale_for_bias
from clika_core.planning.plan import Plan
from clika_core.quality.reference import Reference
from clika_core.simulation.layer_spec import LayerSpec, layer_spec
from clika_core.simulation.parameters import Parameters, layer_weight_params
from clika_core.simulation.visitor import Simulation, simulation
from clika_core.targets.target import Arithmetic, Target


@dataclass(frozen=True)
class FloatWork:
    """`model` is preprocessed, with parameters of its own; `reference` is of a model equal to it.

    `rounded` are the values that will be codes, as far as plans know before sensitivity is measured.
    """

    model: TracedModel
    rounded: Collection[ValueKey]
    reference: Reference

    @property
    def inputs(self) -> Sequence[Array]:
        """The samples: native, one batch, beside `graph.inputs`."""
        return self.reference.inputs

    def with_scaled(
        self,
        operands: Mapping[tuple[str, str], NDArray[Any]],
        factors: Mapping[str, NDArray[np.float64]],
    ) -> FloatWork:
        """The same model with these operands, written into it, which multiply layers' channels by factors."""
        for (layer, role), array in operands.items():
            self.model.parameters(layer)[role] = array
        return replace(self, reference=self.reference.scaled(self.model, factors))


@dataclass(frozen=True)
class Work:
    """`model` is preprocessed, with parameters of its own.

    `reference` is the float model that quantization is compared with, value by value.
    """

    model: TracedModel
    reference: Reference
    plan: Plan
    target: Target
    parameters: Parameters
    simulation: Simulation

    @property
    def inputs(self) -> Sequence[Array]:
        """The samples: native, one batch, beside `graph.inputs`."""
        return self.reference.inputs

    def with_parameters(self, parameters: Parameters) -> Work:
        """The same model with other quantization parameters."""
        made = simulation(self.model, self.plan, self.target, parameters)
        return replace(self, parameters=parameters, simulation=made)

    def with_weights(self, operands: Mapping[tuple[str, str], NDArray[Any]]) -> Work:
        """The same model with other operands by (layer, role), written into it, and with parameters that fit them."""
        for (layer, role), array in operands.items():
            self.model.parameters(layer)[role] = array
        weights = dict(self.parameters.weights)
        for layer in {layer for layer, _ in operands} & set(self.simulation.specs):
            found = layer_weight_params(
                self.simulation.wiring,
                self.plan.graph[layer],
                self.model.parameters(layer),
                self.parameters.activations,
                self.target,
                self.plan[layer].weights_num_bits,
            )
            weights.update({(layer, role): params for role, params in found.items()})
        return self.with_parameters(replace(self.parameters, weights=weights))

    def with_weight_params(self, params: Mapping[tuple[str, str], QuantParams]) -> Work:
        """The same model with other parameters of operands by (layer, role), raised where a bias would not fit."""
        weights = dict(self.parameters.weights)
        for layer in dict.fromkeys(layer for layer, _ in params):
            own = {role: found for (name, role), found in params.items() if name == layer}
            weights.update({(layer, role): p for role, p in self.parameters_of(layer, own, {}).items()})
        return self.with_parameters(replace(self.parameters, weights=weights))

    def with_changes(self, changes: Mapping[str, Change]) -> Work:
        """The same model with what was found for its layers, written into it."""
        params = {
            (layer, role): own for layer, found in changes.items() for role, own in found.params.items()
        }
        for layer, found in changes.items():
            self.model.parameters(layer).update(found.operands)
        return self.with_weight_params(params)

    def parameters_of(
        self, layer: str, params: Mapping[str, QuantParams], operands: Mapping[str, NDArray[Any]]
    ) -> dict[str, QuantParams]:
        """The parameters of a layer's operands by role, with `params` and `operands` in place of some.

        Scales are raised where the bias would not fit.
        """
        spec = self.simulation.specs[layer]
        found = {**spec.weights, **params}
        if spec.arithmetic is Arithmetic.ACCUMULATE:
            bias = {**self.model.parameters(layer), **operands}.get("bias")
            inputs = next(given for given in spec.inputs if given is not None)
            for role in {"weight", *params} & found.keys():
                found[role] = raise_weight_scale_for_bias(found[role], inputs, bias)
        return found

    def spec_of(
        self, layer: str, params: Mapping[str, QuantParams], operands: Mapping[str, NDArray[Any]]
    ) -> LayerSpec:
        """What a layer computes with, `params` and `operands` of its own in place of some."""
        own = {(layer, role): found for role, found in params.items()}
        parameters = replace(self.parameters, weights={**self.parameters.weights, **own})
        held = {**self.model.parameters(layer), **operands}
        return layer_spec(self.simulation.wiring, self.plan.groups[layer], self.target, parameters, held)


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
