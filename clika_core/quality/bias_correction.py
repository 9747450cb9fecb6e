"""Bias correction: what quantization shifts on average in a layer's output is taken off its bias.

Rounding of weights and inputs adds an error to every output of a layer whose mean over the data is not zero. With x
the float inputs, x~ the quantized model's own, W~ the rounded weights, per output channel c:

    bias'[c] = bias[c] - (E[W~ x~ + bias] - E[W x + bias])[c]

in float64, over samples and positions (Nagel et al. 2019, "Data-free quantization through weight equalization and
bias correction", section 4.2, the empirical form). Layers are corrected in the order they run, each fed with what
the corrected layers before it compute: correcting all at once would take the same shift off many times.

A mean can also come from few positions: tokens that a transformer gives values a hundred times the others' are
clipped or rounded badly, and taking their share off every other token does harm. So each correction is multiplied by
how much of the error is the same everywhere, which is 1 for a pure shift and next to 0 for a few large errors:

    mean² / (mean² + variance / STEADINESS)        of the error of a channel, over samples and positions
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Array, LayerCall, TracedModel
from clika_core.quality.reference import OutputSample, sampled_outputs
from clika_core.quality.reworking import in_reals, run_reweighted
from clika_core.quality.work import Improvement, Work
from clika_core.simulation.layer_spec import LayerSpec
from clika_core.simulation.visitor import SimulatingVisitor, Simulation
from clika_core.targets.target import Arithmetic

Biases = Mapping[str, NDArray[np.float32]]

STEADINESS: Final = 8  # from 1 to 8 MiniLM keeps its accuracy; with no limit at all it loses 3 dB


def correct_biases(work: Work) -> tuple[Work, Improvement]:
    """The model with corrected biases."""
    biases = corrected_biases(work.model, work.simulation, work.inputs, work.reference.outputs)
    found = work.with_biases(biases)
    return found, Improvement(tuple(biases), f"bias correction: the biases of {len(biases)} layers")


def corrected_biases(
    model: TracedModel,
    simulation: Simulation,
    inputs: Sequence[Array],
    wanted: Mapping[str, OutputSample] | None = None,
) -> Biases:
    """The corrected biases, float32 [C], of the integer layers that have one; `model` stays as it is.

    `inputs` are one batch of native inputs; the means are taken over it. `wanted` are the float outputs for it, by
    layer; where they are not given, those of `model` in a pass of their own.
    """
    heads = {head for head, spec in simulation.specs.items() if _has_bias(spec, model)}
    seen = sampled_outputs(model, inputs, heads) if wanted is None else {head: wanted[head] for head in heads}
    correcting = _CorrectingVisitor(simulation, model, seen)
    model.interpret(inputs, correcting)
    return correcting.biases


def _has_bias(spec: LayerSpec, model: TracedModel) -> bool:
    is_sum = spec.arithmetic is Arithmetic.ACCUMULATE and "weight" in spec.weights
    return is_sum and "bias" in model.parameters(spec.node.name)


def shift(found: OutputSample, wanted: OutputSample) -> NDArray[np.float64]:
    """What to take off each channel, [C]: the mean error, as far as it is the same everywhere."""
    mean = found.mean - wanted.mean
    variance = (found.rows - wanted.rows).var(axis=0) / STEADINESS
    square = np.square(mean)
    return np.asarray(mean * square / np.maximum(square + variance, np.finfo(np.float64).tiny))


class _CorrectingVisitor(SimulatingVisitor):
    """Runs the quantized model, each layer with its corrected bias; `biases` holds them."""

    def __init__(self, simulation: Simulation, model: TracedModel, seen: Mapping[str, OutputSample]) -> None:
        super().__init__(simulation, model.arrays)
        self._model, self._seen = model, seen
        self.biases: dict[str, NDArray[np.float32]] = {}

    def __call__(self, call: LayerCall) -> Sequence[Array]:
        """Correct the layer, if it is to be corrected, before it runs."""
        name = call.node.name
        if name not in self._seen:
            return super().__call__(call)
        spec = self._simulation.specs[name]
        codes = self._codes(spec, call)
        output = OutputSample.of(self._model, call.node, in_reals(spec, call, codes, self._arrays))
        bias = self._model.parameters(name)["bias"].astype(np.float64) - shift(output, self._seen[name])
        self.biases[name] = bias.astype(np.float32)
        return run_reweighted(spec, call, codes, {"bias": self.biases[name]}, self._arrays)
