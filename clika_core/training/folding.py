"""Training from scratch: norms stay and train, and what is quantized are the weights that they fold into.

Jacob et al. 2018, section 3.2. A layer with weights runs twice in a pass of training: first as it is, on what its
integer kernel will read, for the mean and variance of the batch; then with the weights that the norm behind it
folds into by these. Gradients reach everything, through the statistics too.

    w' = w · gamma / sqrt(variance + epsilon)      b' = (b - mean) · gamma / sqrt(variance + epsilon) + beta

Evaluation folds by running statistics, as `clika_core.backend.preprocessing` does in the end. A norm that does not
fold normalizes by the batch in training, and by running statistics in evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, cast

from clika_core.backend.interface import Array, LayerCall, TracedModel
from clika_core.backend.trainable import LearningArrays
from clika_core.backend.wrapped_call import WrappedCall
from clika_core.ir.graph import Node
from clika_core.ir.removals import removals

MOMENTUM: Final = 0.1
"""The share of a batch in the running statistics."""
_EPSILON: Final = 1e-5

Visit: TypeAlias = Callable[[LayerCall], Sequence[Array]]
Reals: TypeAlias = Callable[[LayerCall], Sequence[Array]]
Vector: TypeAlias = Array  # one number per channel


def as_they_are(call: LayerCall) -> Sequence[Array]:
    """The inputs of a layer of the float model."""
    return call.inputs


@dataclass(frozen=True)
class Folding:
    """One pass over `model`, whose batch norms have not been taken out.

    Where `uses_batch`, `found` are the batch's moments and `statistics` the running ones after it, by layer and role.
    """

    model: TracedModel
    uses_batch: bool
    found: dict[tuple[str, str], Vector] = field(default_factory=dict)
    statistics: dict[tuple[str, str], Vector] = field(default_factory=dict)

    @property
    def arrays(self) -> LearningArrays:
        """The operations."""
        return cast(LearningArrays, self.model.arrays)

    def __call__(self, visit: Visit, reals: Reals = as_they_are) -> Visit:
        """`visit` for a graph without foldable norms, shown a graph with them; `reals` are what a layer reads."""
        return _FoldingVisitor(self, visit, reals, removals(self.model.graph))

    def moments(self, norm: LayerCall, values: Array | None) -> tuple[Vector, Vector]:
        """Mean and deviation by which a norm goes: of the batch's `values`, or the running ones for None."""
        if values is None:
            mean, variance = norm.weights["running_mean"], norm.weights["running_var"]
        else:
            axis = _axis(norm.node)
            axes = [number for number in range(len(values.shape)) if number != axis]
            mean, variance = self.arrays.moments(values, axes)
            for role, found in (("running_mean", mean), ("running_var", variance)):
                before, key = norm.weights[role], (norm.node.name, role)
                self.found[key], self.statistics[key] = found, before + (found - before) * MOMENTUM
        return mean, (variance + norm.node.attributes.get("epsilon", _EPSILON)) ** 0.5


@dataclass(frozen=True)
class _FoldingVisitor:
    """Keeps layers that a norm will fold into until that norm is met."""

    folding: Folding
    visit: Visit
    reals: Reals
    removed: Mapping[str, str | None]
    waiting: dict[str, LayerCall] = field(default_factory=dict)

    def __call__(self, call: LayerCall) -> Sequence[Array]:
        name = call.node.name
        if name in self.removed.values():
            self.waiting[name] = call
            return call.run(self.reals(call))
        if call.node.type != "batch_norm":
            return self.visit(call)
        host = self.removed.get(name)
        if host is not None:
            moments = self.folding.moments(call, call.inputs[0] if self.folding.uses_batch else None)
            return self.visit(_Folded(self.waiting.pop(host), call, self.folding.arrays, moments))
        if not self.folding.uses_batch:
            return self.visit(call)
        moments = self.folding.moments(call, self.reals(call)[0])
        return self.visit(_Normalizing(call, self.folding.arrays, moments))


class _Folded(WrappedCall):
    """A layer about to run with the weights that a norm folds into."""

    def __init__(
        self, call: LayerCall, norm: LayerCall, arrays: LearningArrays, moments: tuple[Vector, Vector]
    ) -> None:
        super().__init__(call)
        self._folded = _folded(call, arrays, moments[0], *_affine(norm.weights, arrays, moments[1]))

    @property
    def weights(self) -> Mapping[str, Array]:
        """The folded weight and bias, and what else there is."""
        return {**super().weights, **self._folded}

    def run(
        self, inputs: Sequence[Array] | None = None, weights: Mapping[str, Array] | None = None
    ) -> tuple[Array, ...]:
        """Compute the layer with these."""
        return super().run(inputs, {**self._folded, **(weights or {})})


class _Normalizing(WrappedCall):
    """A norm that does not fold, about to run by the moments of what it reads."""

    def __init__(self, call: LayerCall, arrays: LearningArrays, moments: tuple[Vector, Vector]) -> None:
        super().__init__(call)
        self._arrays, self._moments = arrays, moments

    def run(
        self, inputs: Sequence[Array] | None = None, weights: Mapping[str, Array] | None = None
    ) -> tuple[Array, ...]:
        """(x - mean) · gamma / deviation + beta."""
        (values,) = self.inputs if inputs is None else inputs
        mean, deviation = self._moments
        factor, beta = _affine({**self.weights, **(weights or {})}, self._arrays, deviation)
        axis = _axis(self.node)
        shape = [-1 if number == axis else 1 for number in range(len(values.shape))]
        mean, factor = self._arrays.reshape(mean, shape), self._arrays.reshape(factor, shape)
        shift = 0.0 if beta is None else self._arrays.reshape(beta, shape)
        return ((values - mean) * factor + shift,)


def _affine(
    weights: Mapping[str, Array], arrays: LearningArrays, deviation: Vector
) -> tuple[Vector, Vector | None]:
    """gamma / deviation, and beta."""
    gamma = weights.get("weight")
    return 1.0 / deviation if gamma is None else arrays.divide(gamma, deviation), weights.get("bias")


def _folded(
    call: LayerCall, arrays: LearningArrays, mean: Vector, factor: Vector, beta: Vector | None
) -> dict[str, Array]:
    """Weight and bias of the layer with the norm in them; see the module's docstring."""
    weight, bias = call.weights["weight"], call.weights.get("bias")
    shift = (-mean if bias is None else bias - mean) * factor
    weight = weight * _along_outputs(call.node, arrays, factor)
    return {"weight": weight, "bias": shift if beta is None else shift + beta}


def _along_outputs(node: Node, arrays: LearningArrays, factor: Vector) -> Array:
    """`factor` shaped to multiply the output channels of the weight, whose layout is the vocabulary's."""
    shape = node.weight("weight").shape  # type: ignore[union-attr]
    rest = [1] * (len(shape) - 1)
    if node.type != "conv_transpose":
        return arrays.reshape(factor, [shape[0], *rest])
    groups: Any = node.attributes.get("groups", 1)
    rows = arrays.repeat(arrays.reshape(factor, [groups, shape[1]]), shape[0] // groups, 0)
    return arrays.reshape(rows, [shape[0], shape[1], *rest[1:]])


def _axis(norm: Node) -> int:
    axis = norm.attributes.get("axis", 1)
    assert isinstance(axis, int)
    return axis % len(norm.outputs[0].shape)
