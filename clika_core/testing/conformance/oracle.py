"""QS computed another way: reference arithmetic in NumPy around layers that run in float64, one group at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Array, LayerCall, TracedModel
from clika_core.numerics import QuantParams, fake_quantize
from clika_core.numerics.bias import bias_params
from clika_core.pipeline.quantization import Quantized
from clika_core.planning.decision import Group
from clika_core.targets.target import Arithmetic


def sensitivity(found: Quantized, group: Group, batches: Sequence[Sequence[Array]]) -> float:
    """||Q - F|| / ||F|| of one group: inputs, weights, bias and output rounded to their grids, sums in float64."""
    error = reference = 0.0
    for inputs in batches:
        visitor = _Visitor(found, group)
        found.model.interpret(inputs, visitor)
        error += visitor.error
        reference += visitor.reference
    return float(np.sqrt(error / reference)) if reference else 0.0


class _Visitor:
    def __init__(self, found: Quantized, group: Group) -> None:
        self._found, self._group = found, group
        self._model: TracedModel = found.model
        self._spec = found.simulation.specs[group.head]
        self._is_sum = self._spec.arithmetic is Arithmetic.ACCUMULATE
        self._rounded: Sequence[Array] = ()
        self.error = self.reference = 0.0

    def __call__(self, call: LayerCall) -> Sequence[Array]:
        outputs = call.run()
        name = call.node.name
        if name == self._group.head:
            self._rounded = self._head(call)
        elif name in self._group.members:
            self._rounded = call.run(self._rounded)
        if name == self._group.end:
            self._compare(outputs)
        return outputs

    def _head(self, call: LayerCall) -> Sequence[Array]:
        inputs = [
            x if params is None else self._native(fake_quantize(self._numpy(x), params))
            for x, params in zip(call.inputs, self._spec.inputs, strict=True)
        ]
        weights = {
            role: self._native(fake_quantize(self._numpy(call.weights[role]), params))
            for role, params in self._spec.weights.items()
            if role in call.weights
        }
        if self._spec.arithmetic is Arithmetic.ATTEND:
            return [self._attended(call, inputs, weights)]
        if "bias" in call.weights and self._is_sum:
            grid = bias_params(*self._factors())
            weights["bias"] = self._native(fake_quantize(self._numpy(call.weights["bias"]), grid))
        return call.run(inputs, weights)

    def _attended(self, call: LayerCall, inputs: Sequence[Array], weights: Mapping[str, Array]) -> Array:
        """The layer in NumPy, without a mask, its probabilities rounded to their grid."""
        roles = (port.role for port in call.node.inputs)
        held = {role: self._numpy(x) for role, x in (*weights.items(), *zip(roles, inputs, strict=True))}
        assert held.keys() == {"query", "key", "value"}
        assert self._spec.probabilities is not None
        scores = held["query"] @ held["key"].swapaxes(-1, -2) * float(self._spec.node.attributes["scale"])  # type: ignore[arg-type]
        powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares = (powers / powers.sum(axis=-1, keepdims=True)).astype(np.float32)
        return self._native(fake_quantize(shares, self._spec.probabilities) @ held["value"])

    def _factors(self) -> tuple[QuantParams, QuantParams]:
        data = next(params for params in self._spec.inputs if params is not None)
        return data, self._spec.weights["weight"]

    def _compare(self, outputs: Sequence[Array]) -> None:
        for real, rounded, params in zip(outputs, self._rounded, self._spec.outputs, strict=True):
            if params is not None:
                exact = self._numpy(real).astype(np.float64)
                difference = fake_quantize(self._numpy(rounded).astype(np.float32), params) - exact
                self.error += float(np.sum(difference**2))
                self.reference += float(np.sum(exact**2))

    def _numpy(self, array: Array) -> NDArray[Any]:
        return np.asarray(self._model.arrays.to_numpy(array))

    def _native(self, array: NDArray[Any]) -> Array:
        return self._model.arrays.from_numpy(array.astype(np.float64))
