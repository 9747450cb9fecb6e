"""Runs calibration data through a preprocessed model and keeps an observer per value."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite

import numpy as np

from clika_core.backend.interface import Array, ArrayOps, LayerCall, TracedModel, Visitor
from clika_core.backend.workers import ALONE, Workers
from clika_core.errors import ClikaError, DataError
from clika_core.ir.graph import ValueKey
from clika_core.numerics import QuantParams
from clika_core.observers.observer import Observer
from clika_core.planning.wiring import Wiring
from clika_core.schemes.scheme import QuantScheme
from clika_core.simulation.attention import probabilities
from clika_core.simulation.parameters import Parameters, layer_weight_params, share
from clika_core.simulation.points import BOUNDS, PROBABILITIES, Points
from clika_core.targets.target import Target


@dataclass(frozen=True)
class Calibration:
    """What calibration saw: an observer per value, over `num_batches` batches of `num_samples` in all."""

    observers: Mapping[ValueKey, Observer]
    num_batches: int
    num_samples: int
    _chosen: dict[tuple[ValueKey, QuantScheme], QuantParams] = field(
        default_factory=dict, repr=False, compare=False
    )

    def params(self, key: ValueKey, scheme: QuantScheme) -> QuantParams:
        """The parameters of a value, chosen once for each scheme: several plans ask for them."""
        if (key, scheme) not in self._chosen:
            self._chosen[key, scheme] = self.observers[key].params(scheme)
        return self._chosen[key, scheme]


def calibrate(
    model: TracedModel,
    values: Collection[ValueKey],
    batches: Iterable[Sequence[Array]],
    make_observer: Callable[[], Observer],
    workers: Workers = ALONE,
    around: Callable[[Visitor], Visitor] = lambda visitor: visitor,
) -> Calibration:
    """Observe `values` of the preprocessed `model` over `batches` of native inputs, in one pass.

    `around` gives the visitor that runs a batch, from the one that observes what preprocessing would leave.

    Each of several workers has batches of its own; what all of them saw is merged, and is the same in every one.
    Raises DataError for data without a batch, and for NaN or infinity, naming the layer and the batch.
    """
    observers = {key: make_observer() for key in values}
    num_batches = num_samples = 0
    for batch, inputs in enumerate(batches):
        size = int(inputs[0].shape[0]) if len(inputs[0].shape) else 1
        visitor = _ObservingVisitor(observers, model.arrays, batch, size)
        visitor.see_inputs(model, inputs)
        visitor.run(model, inputs, around)
        num_batches, num_samples = num_batches + 1, num_samples + size
    found = Calibration(observers, num_batches, num_samples)
    if workers.count > 1:
        found = _merged(found, make_observer, workers)
    if not found.num_batches:
        raise DataError(
            "the calibration data has no batch",
            expected="at least one batch of inputs",
            fix="give data, or raise training_settings.stats_steps above 0",
        )
    return found


def _merged(found: Calibration, make_observer: Callable[[], Observer], workers: Workers) -> Calibration:
    """What all workers saw; batches count as those of the worker that saw most, being shares of the same ones."""
    said = workers.told(
        {
            "batches": found.num_batches,
            "samples": found.num_samples,
            "observers": [observer.to_json() for observer in found.observers.values()],
        }
    )
    merged = {key: make_observer() for key in found.observers}
    for part in said:
        for observer, seen in zip(merged.values(), part["observers"], strict=True):
            observer.merge_json(seen)
    return Calibration(merged, max(part["batches"] for part in said), sum(part["samples"] for part in said))


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
    observed = {
        key: calibration.params(key, target.activation_scheme(bits.get(key[0], (8, 8))[1]))
        for key in points.observed
    }
    activations = share(points, {**observed, **_fixed(wiring, heads, observed, target)})
    weights = {
        (head, role): params
        for head in heads
        for role, params in layer_weight_params(
            wiring, wiring.graph[head], model.parameters(head), activations, target, bits.get(head, (8, 8))[0]
        ).items()
    }
    return Parameters(activations, weights)


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
        self._running = "the model"

    def __call__(self, call: LayerCall) -> Sequence[Array]:
        self._running = call.node.name
        outputs = call.run()
        for port, value in enumerate(outputs):
            self._see((call.node.name, port), value)
        if (call.node.name, PROBABILITIES) in self._observers:
            self._see((call.node.name, PROBABILITIES), probabilities(call, self._arrays))
        for half, bounds in BOUNDS.items():
            if (call.node.name, half) in self._observers:
                self._see((call.node.name, half), self._arrays.clip(outputs[0], *bounds))
        return outputs

    def run(self, model: TracedModel, inputs: Sequence[Array], around: Callable[[Visitor], Visitor]) -> None:
        """Interpret the model. What a layer raises on this data becomes a DataError naming layer and batch."""
        try:
            model.interpret(inputs, around(self))
        except ClikaError:
            raise
        except Exception as error:
            raise DataError(
                f"{self._running} fails on calibration batch {self._batch} (counted from 0)",
                found=f"{type(error).__name__}: {' '.join(str(error).split())[:300]}",
                fix="look at the inputs of that batch",
            ) from error

    def see_inputs(self, model: TracedModel, inputs: Sequence[Array]) -> None:
        """Graph inputs are values too. Raises DataError where one holds NaN or infinity, observed or not."""
        for node, value in zip(model.graph.inputs, inputs, strict=True):
            if 0 in value.shape:
                continue
            if node.outputs[0].is_float and not all(map(isfinite, self._arrays.min_max(value))):
                held = np.asarray(self._arrays.to_numpy(value))
                raise DataError(
                    f"input {node.name!r} holds values that are not finite in calibration batch {self._batch}",
                    found=f"{np.isnan(held).sum()} NaN and {np.isinf(held).sum()} infinite of {held.size} values",
                    expected="finite values",
                    fix=f"look at batch {self._batch} (counted from 0)",
                )
            self._see((node.name, 0), value)

    def _see(self, key: ValueKey, value: Array) -> None:
        observer = self._observers.get(key)
        if observer is not None and 0 not in value.shape:
            observer.observe(
                value, self._arrays, layer=key[0], batch=self._batch, num_samples=self._num_samples
            )
