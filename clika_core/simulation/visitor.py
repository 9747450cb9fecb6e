"""Visitors that run a traced model quantized: the plan's integer layers on codes, its float layers on reals."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Array, ArrayOps, LayerCall, TracedModel
from clika_core.ir.graph import ValueKey
from clika_core.numerics import QuantParams
from clika_core.planning.plan import Plan
from clika_core.planning.wiring import Wiring
from clika_core.simulation.compute import compute_codes
from clika_core.simulation.float_layers import compute_float, float_orders
from clika_core.simulation.layer_spec import LayerSpec, layer_spec
from clika_core.simulation.learning import quantized
from clika_core.simulation.parameters import Parameters
from clika_core.targets.target import Arithmetic, FloatOrder, Target

Layer: TypeAlias = Callable[[Sequence[Array]], tuple[Array, ...]]
"""A layer's outputs from its inputs."""

Compute: TypeAlias = Callable[[Layer, Sequence[Array]], tuple[Array, ...]]
"""How a layer is called; the same numbers, whatever is kept for the backward pass."""


def called(layer: Layer, inputs: Sequence[Array]) -> tuple[Array, ...]:
    """At once."""
    return layer(inputs)


@dataclass(frozen=True)
class Simulation:
    """A quantized model, ready to run on any input: specs of its integer layers, parameters at its borders.

    `specs` are by head; `members` are the other layers of quantized groups, which pass codes on. `coded` maps
    every value that is carried as codes to its parameters, `quantize_at` every float value with an integer
    reader to the parameters of its border; it is multiplied by its `gains`, where it has some, before.
    `float_orders` are those of float layers that the runtime computes in another order than the framework.
    """

    wiring: Wiring
    specs: Mapping[str, LayerSpec]
    members: Collection[str]
    coded: Mapping[ValueKey, QuantParams]
    quantize_at: Mapping[ValueKey, QuantParams]
    gains: Mapping[ValueKey, NDArray[np.float32]] = field(default_factory=lambda: MappingProxyType({}))
    float_orders: Mapping[str, FloatOrder] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def moving(self) -> Collection[str]:
        """The heads of groups that only move codes."""
        return {head for head, spec in self.specs.items() if spec.arithmetic is Arithmetic.MOVE}

    @property
    def quick(self) -> Simulation:
        """The same with layers that are quick, where no exact codes are needed."""
        return replace(self, specs={head: spec.quick for head, spec in self.specs.items()})

    def visitor(self, arrays: ArrayOps, compute: Compute = called) -> SimulatingVisitor:
        """A visitor for one run; `compute` calls what computes a layer."""
        return SimulatingVisitor(self, arrays, compute)

    def run(self, model: TracedModel, inputs: Sequence[Array]) -> tuple[Array, ...]:
        """The graph's outputs, as reals, for native inputs beside `graph.inputs`."""
        visitor = self.visitor(model.arrays)
        return visitor.finish(model.interpret(inputs, visitor))


def simulation(model: TracedModel, plan: Plan, target: Target, parameters: Parameters) -> Simulation:
    """The simulation of `plan`; `model` is preprocessed."""
    wiring = Wiring(plan.graph)
    floats = set(plan.skipped)
    heads = {head: group for head, group in plan.groups.items() if head not in floats}
    specs = {
        head: layer_spec(wiring, group, target, parameters, model.parameters(head))
        for head, group in heads.items()
    }
    coded = {
        (group.end, port): params
        for head, group in heads.items()
        for port, params in enumerate(specs[head].outputs)
        if params is not None
    }
    entering = {
        key: parameters.activations[key]
        for head in heads
        for key in wiring.sources[plan.graph.index[head]]
        if key not in coded
    }
    members = {member for group in heads.values() for member in group.members[1:]}
    gains = {key: np.asarray(gain, np.float32) for key, gain in parameters.gains.items()}
    orders = float_orders(plan, target)
    return Simulation(wiring, specs, members, coded, entering, gains, orders)


class SimulatingVisitor:
    """Runs one forward pass; keeps each border's value, so that it is computed once and shared."""

    def __init__(self, simulation: Simulation, arrays: ArrayOps, compute: Compute = called) -> None:
        """`arrays` are the operations of the model that will be interpreted."""
        self._simulation, self._arrays, self._compute = simulation, arrays, compute
        self._graph = simulation.wiring.graph
        self._crossed: dict[ValueKey, Array] = {}

    def __call__(self, call: LayerCall) -> Sequence[Array]:
        """Run one layer: on codes where it is quantized, on reals where it is float."""
        name = call.node.name
        if name in self._simulation.members:
            return (call.inputs[0],)
        spec = self._simulation.specs.get(name)
        if spec is None:
            return self._compute(self._float(call), self._reals(call))
        return self._compute(
            lambda codes: compute_codes(spec, call, codes, self._arrays), self._codes(spec, call)
        )

    def _float(self, call: LayerCall) -> Layer:
        """A float layer, in the runtime's order where that is known."""
        order = self._simulation.float_orders.get(call.node.name)
        return call.run if order is None else lambda given: compute_float(order, call, given, self._arrays)

    def finish(self, outputs: Sequence[Array]) -> tuple[Array, ...]:
        """Graph outputs carry floats: dequantize those that arrive as codes."""
        return tuple(
            self.real(self._key(node.inputs[0].key), value)
            for node, value in zip(self._graph.outputs, outputs, strict=True)
        )

    def _reals(self, call: LayerCall) -> list[Array]:
        return [
            self.real(self._key(port.key), value)
            for port, value in zip(call.node.inputs, call.inputs, strict=True)
        ]

    def _codes(self, spec: LayerSpec, call: LayerCall) -> list[Array]:
        return [
            self.real(self._key(port.key), value)
            if params is None
            else self._code(self._key(port.key), value)
            for port, value, params in zip(call.node.inputs, call.inputs, spec.inputs, strict=True)
        ]

    def reals(self, call: LayerCall) -> list[Array]:
        """What a layer reads, as reals: rounded to codes where it is quantized."""
        spec = self._simulation.specs.get(call.node.name)
        if spec is None:
            return self._reals(call)
        return [
            value if params is None else self._arrays.dequantize(value, params)
            for value, params in zip(self._codes(spec, call), spec.inputs, strict=True)
        ]

    def _key(self, key: ValueKey) -> ValueKey:
        return self._simulation.wiring.origin.get(key, key)

    def real(self, key: ValueKey, value: Array) -> Array:
        """The real value, of codes where the value is carried as such."""
        params = self._simulation.coded.get(key)
        if params is None:
            return value
        if key not in self._crossed:
            self._crossed[key] = self._arrays.dequantize(value, params)
        return self._crossed[key]

    def _code(self, key: ValueKey, value: Array) -> Array:
        params = self._simulation.quantize_at.get(key)
        if params is None:
            return value
        if key not in self._crossed:
            self._crossed[key] = quantized(self._gained(key, value), params, self._arrays)
        return self._crossed[key]

    def _gained(self, key: ValueKey, value: Array) -> Array:
        """The value times its gains, in float32."""
        gains = self._simulation.gains.get(key)
        if gains is None:
            return value
        return self._arrays.cast(value, "float32") * self._arrays.from_numpy(gains, value)
