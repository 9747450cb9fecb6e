"""Runs calibration data through a preprocessed model and keeps an observer per value."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from clika_core.backend.interface import Array, ArrayOps, LayerCall, TracedModel
from clika_core.errors import DataError
from clika_core.ir.graph import ValueKey
from clika_core.numerics import QuantParams
from clika_core.observers.observer import Observer
from clika_core.planning.wiring import Wiring
from clika_core.simulation.parameters import Parameters, layer_weight_params, share
from clika_core.simulation.points import Points
from clika_core.targets.target import Target


@dataclass(frozen=True)
class Calibration:
    """What calibration saw: an observer per value, over `num_batches` batches of `num_samples` in all."""

    observers: Mapping[ValueKey, Observer]
    num_batches: int
    num_samples: int


def calibrate(
    model: TracedModel,
    values: Collection[ValueKey],
    batches: Iterable[Sequence[Array]],
    make_observer: Callable[[], Observer],
) -> Calibration:
    """Observe `values` of the preprocessed `model` over `batches` of native inputs, in one pass.

    Raises DataError for data without a batch, and for NaN or infinity, naming the layer and the batch.
    """
    observers = {key: make_observer() for key in values}
    num_batches = num_samples = 0
    for batch, inputs in enumerate(batches):
        size = int(inputs[0].shape[0]) if len(inputs[0].shape) else 1
        visitor = _ObservingVisitor(observers, model.arrays, batch, size)
        visitor.see_inputs(model, inputs)
        model.interpret(inputs, visitor)
        num_batches, num_samples = num_batches + 1, num_samples + size
    if not num_batches:
        raise DataError(
            "the calibration data has no batch",
            expected="at least one batch of inputs",
            fix="give data, or raise training_settings.stats_steps above 0",
        )
    return Calibration(observers, num_batches, num_samples)


def make_parameters(
    model: TracedModel,
    wiring: Wiring,
    heads: Collection[str],
    points: Points,
    calibration: Calibration,
    target: Target,
    bits: Mapping[str, tuple[int, int]],
) -> Parameters:
    """The parameters of every point, and of the weights of `heads`; `bits` are (weights, activations) by layer."""
    observed = {key: _params(calibration.observers[key], key, target, bits) for key in points.observed}
    activations = share(points, {**observed, **_fixed(wiring, heads, observed, target)})
    weights = {
        (head, role): params
        for head in heads
        for role, params in layer_weight_params(
            wiring, wiring.graph[head], model.parameters(head), activations, target, bits.get(head, (8, 8))[0]
        ).items()
    }
    return Parameters(activations, weights)


def _params(
    observer: Observer, key: ValueKey, target: Target, bits: Mapping[str, tuple[int, int]]
) -> QuantParams:
    return observer.params(target.activation_scheme(bits.get(key[0], (8, 8))[1]))


def _fixed(
    wiring: Wiring, heads: Collection[str], observed: Mapping[ValueKey, QuantParams], target: Target
) -> dict[ValueKey, QuantParams]:
    """The parameters of quantized layers whose output the target gives parameters of its own."""
    wanted = {head: target.fixed_outputs.get(wiring.graph[head].type) for head in heads}
    return {
        key: replace(params, scale=np.asarray(fixed[0]), zero_point=np.asarray(fixed[1]))
        for key, params in observed.items()
        if (fixed := wanted.get(key[0])) is not None
    }


class _ObservingVisitor:
    """Runs a float pass and shows the observers every value they wait for."""

    def __init__(
        self, observers: Mapping[ValueKey, Observer], arrays: ArrayOps, batch: int, num_samples: int
    ) -> None:
        self._observers, self._arrays, self._batch, self._num_samples = observers, arrays, batch, num_samples

    def __call__(self, call: LayerCall) -> Sequence[Array]:
        outputs = call.run()
        for port, value in enumerate(outputs):
            self._see((call.node.name, port), value)
        return outputs

    def see_inputs(self, model: TracedModel, inputs: Sequence[Array]) -> None:
        """Graph inputs are values too."""
        for node, value in zip(model.graph.inputs, inputs, strict=True):
            self._see((node.name, 0), value)

    def _see(self, key: ValueKey, value: Array) -> None:
        observer = self._observers.get(key)
        if observer is not None:
            observer.observe(
                value, self._arrays, layer=key[0], batch=self._batch, num_samples=self._num_samples
            )
