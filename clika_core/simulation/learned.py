"""Learned scales: the simulation with scales that are native arrays, so that gradients reach them.

LSQ (Esser et al. 2020, section 2): the gradient to a scale arises where codes do (`simulation.learning`), times
1 / sqrt(N · (quant_max - zero_point)), N being the elements that share the scale. Zero points stay.
The numbers are those of the simulation with the same scales: the same float32 operations in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod, sqrt
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Array, TracedModel
from clika_core.backend.trainable import LearningArrays
from clika_core.ir.graph import Graph, ValueKey
from clika_core.ir.operators import OPERATORS
from clika_core.numerics import QuantParams
from clika_core.numerics.native_params import NativeParams
from clika_core.numerics.quant_params import MIN_SCALE
from clika_core.planning.decision import Group
from clika_core.planning.plan import Plan
from clika_core.schemes.granularity import PerGroup
from clika_core.simulation.compute import BIAS_BOUND
from clika_core.simulation.layer_spec import Half, LayerSpec, code_bounds, fused_bounds, key_sizes
from clika_core.simulation.parameters import Parameters
from clika_core.simulation.points import PROBABILITIES, quantization_points
from clika_core.simulation.visitor import Compute, SimulatingVisitor, Simulation, called
from clika_core.targets.target import Arithmetic, Target

Key = TypeVar("Key")
Held = TypeVar("Held")

Scales = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class LearnedSimulation:
    """A simulation some of whose scales are learned.

    `activations` map every coded or entering value, and `weights` every operand, to the name of its scale.
    `factors` are the gradients', by name.
    """

    simulation: Simulation
    parameters: Parameters
    groups: Mapping[str, Group]
    activations: Mapping[ValueKey, str]
    weights: Mapping[tuple[str, str], str]
    factors: Mapping[str, float]

    @property
    def initial(self) -> Scales:
        """The scales that training begins with, float32, by name."""
        found = {name: self.parameters.weights[key].scale for key, name in self.weights.items()}
        found.update((name, self.parameters.activations[key].scale) for key, name in self.activations.items())
        return found

    def visitor(self, model: TracedModel, compute: Compute = called) -> SimulatingVisitor:
        """A visitor for one run of a native model that holds the scales; see `Simulation.visitor`."""
        scales = _Run(self, model)
        simulation = self.simulation
        own = replace(
            simulation,
            specs=_AsNeeded(simulation.specs, lambda _, spec: scales.spec(spec)),
            coded=_AsNeeded(simulation.coded, scales.activation),
            quantize_at=_AsNeeded(simulation.quantize_at, scales.activation),
        )
        return own.visitor(model.arrays, compute)

    def learned(self, scales: Scales) -> Parameters:
        """The parameters with the scales that were learned."""

        def with_scale(params: QuantParams, name: str | None) -> QuantParams:
            scale = None if name is None else scales.get(name)
            return params if scale is None else replace(params, scale=np.maximum(scale, MIN_SCALE))

        return replace(
            self.parameters,
            activations={
                k: with_scale(p, self.activations.get(k)) for k, p in self.parameters.activations.items()
            },
            weights={k: with_scale(p, self.weights.get(k)) for k, p in self.parameters.weights.items()},
        )


class _AsNeeded(Mapping[Key, Held]):
    """What `make` makes of each value of a mapping, made where it is first asked for.

    What belongs to one layer is so computed with that layer.
    """

    def __init__(self, given: Mapping[Key, Held], make: Callable[[Key, Held], Held]) -> None:
        self._given, self._make = given, make
        self._made: dict[Key, Held] = {}

    def __getitem__(self, key: Key) -> Held:
        if key not in self._made:
            self._made[key] = self._make(key, self._given[key])
        return self._made[key]

    def __contains__(self, key: object) -> bool:
        return key in self._given

    def __iter__(self) -> Iterator[Key]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)


def learn_scales(
    simulation: Simulation,
    plan: Plan,
    target: Target,
    parameters: Parameters,
) -> LearnedSimulation:
    """Learn the scale of every activation that the target leaves free, and of every multiplied weight.

    Weights with a scale for each group keep theirs, and so do numbers.
    """
    graph, wiring = plan.graph, simulation.wiring
    points = quantization_points(wiring, plan.groups, target, set(plan.skipped))
    fixed = {
        key for key in points.observed if key[0] in plan.groups and graph[key[0]].type in target.fixed_outputs
    }
    activations = {
        key: f"activation.{source[0]}.{source[1]}"
        for key in parameters.activations
        if (source := points.source(key)) not in fixed and source in parameters.activations
    }
    elements = {
        (layer, role): prod(weight.shape)
        for layer, role in parameters.weights
        if role in OPERATORS[graph[layer].type].weight_operands
        and (weight := graph[layer].weight(role)) is not None
        and not isinstance(parameters.weights[layer, role].granularity, PerGroup)
    }
    weights = {(layer, role): f"weight.{layer}.{role}" for layer, role in elements}
    factors = {
        name: _factor(_size(graph, points.source(key)), parameters.activations[key])
        for key, name in activations.items()
    }
    factors.update((name, _factor(elements[key], parameters.weights[key])) for key, name in weights.items())
    return LearnedSimulation(simulation, parameters, plan.groups, activations, weights, factors)


def _size(graph: Graph, key: ValueKey) -> int:
    """How many elements a value has in the example."""
    if key[1] != PROBABILITIES:
        return prod(graph.value((key[0], max(key[1], 0))).example_shape)
    node = graph[key[0]]
    return prod(node.outputs[0].example_shape[:-1]) * key_sizes(graph, node)[0]


def _factor(elements: int, params: QuantParams) -> float:
    """1 / sqrt(N · (quant_max - zero_point)), of codes below zero alone their number; the width is at least 1."""
    shared = max(elements // max(params.scale.size, 1), 1)
    above, below = params.format.quant_max - params.zero_point, params.zero_point - params.format.quant_min
    width = max(float(np.max(above if np.any(above) else below)), 1.0)
    return 1 / sqrt(shared * width)


@dataclass
class _Run:
    """Scales as one run uses them, each made once: without its gradient, and with it."""

    learned: LearnedSimulation
    model: TracedModel
    made: dict[str, tuple[Array, Array]] = field(default_factory=dict)

    @property
    def arrays(self) -> LearningArrays:
        return cast(LearningArrays, self.model.arrays)

    def activation(self, key: ValueKey, params: QuantParams) -> QuantParams:
        """The parameters of a value, with the learned scale where it has one."""
        return self._native(params, self.learned.activations.get(key))

    def _native(self, params: QuantParams, name: str | None) -> QuantParams:
        if name is None:
            return params
        if name not in self.made:
            held = self.arrays.clip(self.model.learned[name], MIN_SCALE, float("inf"))
            self.made[name] = self.arrays.detached(held), held
        native = NativeParams(
            self.made[name][0],
            params.zero_point,
            params.format,
            params.granularity,
            self.made[name][1],
            self.learned.factors[name],
        )
        return cast(QuantParams, native)  # it has the same members; arithmetic on it is native

    def spec(self, spec: LayerSpec) -> LayerSpec:
        """A layer's spec, with everything that follows from scales made of the learned ones."""
        learned, wiring = self.learned, self.learned.simulation.wiring
        graph, head = wiring.graph, spec.node.name
        group = learned.groups[head]
        sources = iter(wiring.sources[graph.index[head]])
        inputs = tuple(None if p is None else self.activation(next(sources), p) for p in spec.inputs)
        outputs = tuple(
            None if p is None else self.activation((group.end, port), p)
            for port, p in enumerate(spec.outputs)
        )
        weights = {r: self._native(p, learned.weights.get((head, r))) for r, p in spec.weights.items()}
        clamp = self._clamp(graph, group, spec, outputs)
        made = replace(spec, inputs=inputs, outputs=outputs, weights=weights, clamp=clamp)
        if spec.arithmetic is Arithmetic.ACCUMULATE:
            return self._accumulating(made)
        if spec.arithmetic is Arithmetic.GATE:
            return self._gating(made)
        if spec.arithmetic is Arithmetic.SLOPE:
            return self._sloping(made)
        return self._attending(made) if spec.arithmetic is Arithmetic.ATTEND else made

    def _accumulating(self, spec: LayerSpec) -> LayerSpec:
        factors = [*(params for params in spec.inputs if params is not None), *spec.weights.values()][:2]
        first, second = (self._scale(params) for params in factors)
        output, product = spec.outputs[0], first * second
        if output is None:
            assert spec.sums is not None
            sums = NativeParams(product, spec.sums.zero_point, spec.sums.format, spec.sums.granularity)
            halves = {
                port: self._half(spec.node.name, port, half, product) for port, half in spec.halves.items()
            }
            return replace(spec, sums=cast(QuantParams, sums), bias_divisor=product, halves=halves)
        return replace(
            spec, multiplier=self.arrays.divide(product, self._scale(output)), bias_divisor=product
        )

    def _half(self, layer: str, port: int, half: Half, product: Array) -> Half:
        params = self.activation((layer, port), half.params)
        return Half(params, self.arrays.divide(product, self._scale(params)))

    def _gating(self, spec: LayerSpec) -> LayerSpec:
        """The scale of the sigmoid is the target's, and stays."""
        (given,), output = spec.inputs, spec.outputs[0]
        assert given is not None
        assert output is not None
        assert spec.gate is not None
        product = self._scale(given) * self._scale(spec.gate)
        return replace(spec, multiplier=self.arrays.divide(product, self._scale(output)))

    def _sloping(self, spec: LayerSpec) -> LayerSpec:
        """The shifts stay: they are those of the scales that training began with."""
        (given,), output = spec.inputs, spec.outputs[0]
        assert given is not None
        assert output is not None
        above = self.arrays.divide(self._scale(given), self._scale(output))
        return replace(spec, multiplier=above, slope_multiplier=above * self._scale(spec.weights["weight"]))

    def _attending(self, spec: LayerSpec) -> LayerSpec:
        output, operands = spec.outputs[0], spec.operands
        assert output is not None
        assert spec.probabilities is not None
        inner = self.activation((spec.node.name, PROBABILITIES), spec.probabilities)
        query, key, value = (self._scale(operands[role]) for role in ("query", "key", "value"))
        return replace(
            spec,
            scores_scale=query * key,
            probabilities=inner,
            multiplier=self.arrays.divide(self._scale(inner) * value, self._scale(output)),
        )

    def _scale(self, params: QuantParams) -> Array:
        scale: Any = params.scale
        if not isinstance(scale, np.ndarray | np.generic):
            return scale
        return self.arrays.from_numpy(np.asarray(scale, np.float32), next(iter(self.model.learned.values())))

    def _clamp(
        self, graph: Graph, group: Group, spec: LayerSpec, outputs: Sequence[QuantParams | None]
    ) -> tuple[Any, Any] | None:
        """What fused activations add: 0 stays 0, any other bound moves with the scale."""
        output = outputs[0]
        least, most = fused_bounds(graph, group)
        if output is None or (not least and most is None):
            return spec.clamp
        assert spec.outputs[0] is not None
        low, high = code_bounds(spec.outputs[0])
        own = low if least is None else self._bound(least, output) if least else 0.0
        return (
            own,
            high if most is None else self._at_most(self._bound(most, output), high),
        )

    def _bound(self, real: float, output: QuantParams) -> Array:
        scale = self._scale(output)
        return self.arrays.round_to_codes(
            self.arrays.from_numpy(np.float32(real) * np.ones((), np.float32), scale), scale, BIAS_BOUND
        )

    def _at_most(self, codes: Array, limit: float) -> Array:
        return self.arrays.clip(codes, -float("inf"), limit)
