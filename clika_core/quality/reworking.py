"""`ReworkingVisitor`: layers are changed one after the other, each fed with what those before it compute now."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from clika_core.backend.interface import Array, ArrayOps, LayerCall
from clika_core.backend.wrapped_call import WrappedCall
from clika_core.quality.work import Change, Work
from clika_core.simulation.compute import compute_codes, layer_weights
from clika_core.simulation.layer_spec import LayerSpec, layer_spec
from clika_core.simulation.visitor import SimulatingVisitor


class ReworkingVisitor(SimulatingVisitor):
    """Runs the quantized model on the samples; `changes` holds what `rework` gave for each of `layers`.

    The model itself stays as it is: `Work.with_changes` writes changes into it.
    """

    def __init__(self, work: Work, layers: Collection[str]) -> None:
        """Change these heads of quantized groups."""
        super().__init__(work.simulation, work.model.arrays)
        self._work, self._layers = work, layers
        self.changes: dict[str, Change] = {}

    def run(self) -> Mapping[str, Change]:
        """One pass."""
        self._work.model.interpret(self._work.inputs, self)
        return self.changes

    @abstractmethod
    def rework(self, spec: LayerSpec, call: LayerCall, codes: Sequence[Array]) -> Change:
        """The change of a layer about to run on the centred `codes`, or indices, of its inputs."""

    def __call__(self, call: LayerCall) -> Sequence[Array]:
        """Change the layer, if it is one of those, and run it changed."""
        name = call.node.name
        if name not in self._layers:
            return super().__call__(call)
        spec = self._simulation.specs[name]
        codes = self._codes(spec, call)
        change = self.changes[name] = self.rework(spec, call, codes)
        changed = self._with_params(name, change) if change.params else spec
        return run_reweighted(changed, call, codes, change.operands, self._arrays)

    def _with_params(self, name: str, change: Change) -> LayerSpec:
        work = self._work
        own = {(name, role): params for role, params in change.params.items()}
        parameters = replace(work.parameters, weights={**work.parameters.weights, **own})
        operands = {**work.model.parameters(name), **change.operands}
        return layer_spec(self._simulation.wiring, work.plan.groups[name], work.target, parameters, operands)


def run_reweighted(
    spec: LayerSpec,
    call: LayerCall,
    codes: Sequence[Array],
    operands: Mapping[str, NDArray[Any]],
    arrays: ArrayOps,
) -> Sequence[Array]:
    """Run an integer layer on the centred `codes`, or indices, of its inputs, with `operands` in place of its own."""
    own = {role: arrays.from_numpy(array, like=call.weights[role]) for role, array in operands.items()}
    given = layer_weights(spec, _Reweighted(call, {**call.weights, **own}), codes, arrays)
    return compute_codes(spec, call, codes, arrays, given)


def in_reals(spec: LayerSpec, call: LayerCall, codes: Sequence[Array], arrays: ArrayOps) -> Array:
    """What a layer of sums computes of `codes` with its rounded weight, before it is rounded and clamped."""
    reals = [
        value if params is None else arrays.dequantize(value, params)
        for value, params in zip(codes, spec.inputs, strict=True)
    ]
    rounded = arrays.quantize(call.weights["weight"], spec.weights["weight"])
    weight = arrays.dequantize(rounded, spec.weights["weight"])
    return call.run(reals, {**call.weights, "weight": weight})[0]


class _Reweighted(WrappedCall):
    """A call with other weights."""

    def __init__(self, call: LayerCall, weights: Mapping[str, Array]) -> None:
        """Stand for `call` with these operands by role."""
        super().__init__(call)
        self._weights = weights

    @property
    def weights(self) -> Mapping[str, Array]:
        """The other operands."""
        return self._weights

    def run(
        self, inputs: Sequence[Array] | None = None, weights: Mapping[str, Array] | None = None
    ) -> tuple[Array, ...]:
        """Compute the layer natively, with the other operands unless told otherwise."""
        return super().run(inputs, self._weights if weights is None else weights)
