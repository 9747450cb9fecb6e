"""`RunningLayer`: an integer layer of sums about to run in the quantized model, as techniques change it in turn.

Its sums of products are computed once for one weight in codes. From them follow its results in reals, whatever scale
and bias it gets,

    y = scale_x · scale_w · (sums + bias / (scale_x · scale_w))

and its codes in the end. Sums are in float32: one beyond 2**24 is off by parts in 10**7, which is less than samples
tell.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Array, LayerCall
from clika_core.ir.channels import channel_axis
from clika_core.numerics import quantize
from clika_core.quality.reference import OutputSample
from clika_core.quality.work import Change, Work
from clika_core.simulation.compute import BIAS_BOUND, codes_of
from clika_core.simulation.layer_spec import LayerSpec
from clika_core.simulation.visitor import Simulation
from clika_core.targets.target import Arithmetic


def summing_heads(simulation: Simulation) -> Collection[str]:
    """The layers that can be such: heads of quantized groups that sum products with a weight of their own."""
    return {
        head
        for head, spec in simulation.specs.items()
        if spec.arithmetic is Arithmetic.ACCUMULATE and "weight" in spec.weights
    }


@dataclass(frozen=True)
class Products:
    """The sums that a layer makes of the centred `codes` of its inputs and of its weight, without a bias."""

    work: Work
    call: LayerCall
    codes: Sequence[Array]
    weight: NDArray[Any]
    spec: LayerSpec

    @cached_property
    def weight_codes(self) -> NDArray[Any]:
        """The weight's codes."""
        return quantize(self.weight, self.spec.weights["weight"])

    @cached_property
    def sums(self) -> Array:
        """Native, of the shape of the layer's output, float32."""
        arrays, own = self.work.model.arrays, self.call.weights
        weight = arrays.from_numpy(self.weight, like=own["weight"])
        given = {"weight": arrays.quantize(weight, self.spec.weights["weight"])}
        inputs = [arrays.cast(codes, "float32") for codes in self.codes]
        (sums,) = self.call.run(inputs, given if "bias" not in own else {**given, "bias": None})
        return sums

    @cached_property
    def sample(self) -> OutputSample:
        """A sample of the sums."""
        return OutputSample.of(self.work.model, self.call.node, self.sums)


@dataclass(frozen=True)
class RunningLayer:
    """A layer with all that has changed in it so far; `codes` are those of its inputs, centred, or indices."""

    work: Work
    call: LayerCall
    codes: Sequence[Array]
    spec: LayerSpec
    products: Products
    change: Change = field(default_factory=Change)

    @classmethod
    def of(cls, work: Work, call: LayerCall, codes: Sequence[Array], spec: LayerSpec) -> RunningLayer:
        """The layer as the quantized model of `work` has it."""
        weight = work.model.parameters(call.node.name)["weight"]
        return cls(work, call, codes, spec, Products(work, call, codes, weight, spec))

    @property
    def name(self) -> str:
        """The layer's."""
        return self.call.node.name

    @property
    def operands(self) -> Mapping[str, NDArray[Any]]:
        """Its own operands by role."""
        return {**self.work.model.parameters(self.name), **self.change.operands}

    @cached_property
    def output(self) -> OutputSample:
        """What it computes now, in reals, before anything is rounded or clamped."""
        scale, bias = np.asarray(self.spec.bias_divisor, np.float64), self.operands.get("bias", 0.0)
        sums = self.products.sample
        return OutputSample(sums.mean * scale + bias, sums.rows * scale + bias, sums.owners)

    @property
    def wanted(self) -> OutputSample:
        """What the float model's layer gives."""
        return self.work.reference.outputs[self.name]

    def changed(self, change: Change) -> RunningLayer:
        """The layer with another change on top, its weight's scale raised where a bias would not fit."""
        operands = {**self.change.operands, **change.operands}
        given = self.work.parameters_of(self.name, {**self.change.params, **change.params}, operands)
        spec, products, total = self.spec, self.products, Change(operands, given)
        if "weight" in change.operands or given != {**spec.weights}:
            spec = self.work.spec_of(self.name, given, operands).quick
            weight = {**self.operands, **operands}["weight"]
            made = Products(self.work, self.call, self.codes, weight, spec)
            if not np.array_equal(made.weight_codes, products.weight_codes):
                products = made
        return RunningLayer(self.work, self.call, self.codes, spec, products, total)

    def run(self) -> tuple[Array, ...]:
        """The centred codes, or reals, that the layer gives now."""
        arrays, sums, bias = self.work.model.arrays, self.products.sums, self.operands.get("bias")
        if bias is not None:
            codes = np.clip(np.rint(bias / self.spec.bias_divisor), -BIAS_BOUND, BIAS_BOUND)
            along = [1] * len(sums.shape)
            along[channel_axis(self.call.node) % len(along)] = -1
            sums = sums + arrays.from_numpy(codes.astype(np.float32).reshape(along), like=sums)
        return codes_of(self.spec, (sums,), arrays)
