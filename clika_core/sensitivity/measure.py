"""Measures QS of every group in one float pass: beside each float group, the same group quantized, on the same
float inputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from clika_core.backend.interface import Array, ArrayOps, LayerCall, TracedModel
from clika_core.backend.workers import ALONE, Workers
from clika_core.ir.graph import ValueKey
from clika_core.numerics import QuantParams
from clika_core.planning.decision import Group
from clika_core.sensitivity.sums import Measurement, SquaredSums
from clika_core.simulation.compute import codes_of, compute_unrounded, layer_weights
from clika_core.simulation.layer_spec import LayerSpec
from clika_core.simulation.visitor import Simulation

Made: TypeAlias = dict[tuple[Any, ...], Mapping[str, Array]]  # weights in codes, by layer and their shapes


def measure(
    model: TracedModel,
    simulation: Simulation,
    groups: Mapping[str, Group],
    batches: Iterable[Sequence[Array]],
    workers: Workers = ALONE,
) -> dict[str, Measurement]:
    """QS of every layer that `simulation` quantizes; members of a group carry the group's.

    `model` is preprocessed; `batches` hold native inputs beside `graph.inputs`. `simulation` is that of the plan
    in which no rule, tail or threshold applies. Sums are those over the batches of all workers.
    """
    sums: dict[str, SquaredSums] = {}
    weights: Made = {}
    for inputs in batches:
        visitor = SensitivityVisitor(simulation, groups, model.arrays, weights)
        model.interpret(inputs, visitor)
        for head, found in visitor.sums.items():
            sums[head] = sums.get(head, SquaredSums()).merge(found)
    if workers.count > 1:
        sums = _merged(sums, workers)
    return {member: total.measurement for head, total in sums.items() for member in groups[head].members}


def _merged(sums: Mapping[str, SquaredSums], workers: Workers) -> dict[str, SquaredSums]:
    merged: dict[str, SquaredSums] = {}
    for part in workers.told({head: [found.error, found.reference] for head, found in sums.items()}):
        for head, found in part.items():
            merged[head] = merged.get(head, SquaredSums()).merge(SquaredSums(*found))
    return merged


class SensitivityVisitor:
    """Runs a float pass; `sums` holds, per head, the squared sums of this pass."""

    def __init__(
        self,
        simulation: Simulation,
        groups: Mapping[str, Group],
        arrays: ArrayOps,
        weights: Made | None = None,
    ) -> None:
        """Groups that are not in the simulation are run in float alone. `weights` are kept from pass to pass."""
        self._weights = {} if weights is None else weights
        self._specs = {head: spec.quick for head, spec in simulation.specs.items()}
        self._arrays = arrays
        self._head_at_end = {groups[head].end: head for head in simulation.specs}
        self._readers = Counter(
            port.key
            for spec in simulation.specs.values()
            for port, params in zip(spec.node.inputs, spec.inputs, strict=True)
            if params is not None
        )
        self._made: dict[ValueKey, Array] = {}
        self._waiting: dict[str, tuple[Array, ...]] = {}
        self.sums: dict[str, SquaredSums] = {}

    def __call__(self, call: LayerCall) -> Sequence[Array]:
        """Run the layer in float; at a head compute the group's codes, at an end compare."""
        outputs = call.run()
        spec = self._specs.get(call.node.name)
        if spec is not None:
            self._waiting[call.node.name] = self._unrounded(spec, call)
        head = self._head_at_end.get(call.node.name)
        if head is not None:
            self.sums[head] = self._compare(self._specs[head], self._waiting.pop(head), outputs)
        return outputs

    def _unrounded(self, spec: LayerSpec, call: LayerCall) -> tuple[Array, ...]:
        inputs = [
            value if params is None else self._codes(key, value, params)
            for key, value, params in zip(
                (port.key for port in call.node.inputs), call.inputs, spec.inputs, strict=True
            )
        ]
        # a constant repeated for every sample is as large as the batch
        made_for = (call.node.name, *(tuple(weight.shape) for weight in call.weights.values()))
        if made_for not in self._weights:
            self._weights[made_for] = layer_weights(spec, call, inputs, self._arrays)
        return compute_unrounded(spec, call, inputs, self._arrays, self._weights[made_for])

    def _codes(self, key: ValueKey, value: Array, params: QuantParams) -> Array:
        """The codes of an input: made at its first reader, let go at its last."""
        codes = self._made[key] if key in self._made else self._arrays.quantize(value, params)
        self._readers[key] -= 1
        if self._readers[key]:
            self._made[key] = codes
        else:
            self._made.pop(key, None)
        return codes

    def _compare(self, spec: LayerSpec, unrounded: Sequence[Array], reals: Sequence[Array]) -> SquaredSums:
        """The squared sums of a group, of as much at a time as is quick to compute with."""
        total, together = SquaredSums(), (*unrounded, *reals)
        parts = self._arrays.parts(together) if _is_by_sample(spec, together) else (together,)
        for part in parts:
            codes = codes_of(spec, part[: len(unrounded)], self._arrays)
            total = total.merge(self._squares(spec, codes, part[len(unrounded) :]))
        return total

    def _squares(self, spec: LayerSpec, codes: Sequence[Array], reals: Sequence[Array]) -> SquaredSums:
        total = SquaredSums()
        if spec.sums is not None:
            found, reference = codes[0], reals[0]
            squares = self._arrays.sum_of_squares
            return SquaredSums(squares(found, reference), squares(reference))
        for code, real, params in zip(codes, reals, spec.outputs, strict=True):
            if params is not None:
                total = total.merge(SquaredSums(*self._arrays.squared_errors(code, params, real)))
        return total


def _is_by_sample(spec: LayerSpec, arrays: Sequence[Array]) -> bool:
    """Whether entries along axis 0 of the arrays belong together, and no parameter differs along it."""
    shapes = [tuple(array.shape) for array in arrays]
    first = {(len(shape), *shape[:1]) for shape in shapes}
    return spec.channel_axis != 0 and len(first) == 1 and all(shapes)
