"""Scale correction: what quantization takes off the spread of a layer's outputs is given back by its weights' scales.

Clipped and rounded inputs make a channel's output a little too small, or too large, in proportion to what it should
be. With y the float output of a channel and y~ = g y + noise the quantized model's own, its weights are multiplied by

    factor[c] = 1 + steady[c] · (1 / g - 1)[c]                g = cov(y~, y) / var(y)

That is not the factor of the least squared error, cov(y~, y) / var(y~), which noise makes smaller: layer by layer
outputs would shrink. Where layers are noisy it does harm even so (decision 0042).

The codes of the weights stay; their scale takes the factor, which costs nothing at run time, and the bias makes up
for what the factor does to the channel's mean. Layers are corrected in the order they run, each fed with what the
corrected layers before it compute. `steady` is d² / (d² + 4 e²) for a difference d and its standard error e: near
0 where samples do not tell it from chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Array, LayerCall
from clika_core.numerics import dequantize, quantize
from clika_core.quality.bias_correction import OutputSample, sampled_outputs
from clika_core.quality.reworking import ReworkingVisitor, in_reals
from clika_core.quality.work import Change, Improvement, Work
from clika_core.schemes import PerChannel
from clika_core.simulation.layer_spec import LayerSpec
from clika_core.targets.target import Arithmetic

LARGEST: Final = 1.25  # a factor beyond it, or its inverse, is no rounding's doing


def correct_scales(work: Work) -> tuple[Work, Improvement]:
    """The model with corrected scales of weights."""
    specs = work.simulation.specs.items()
    layers = {head for head, spec in specs if _has_own_scales(spec) and "bias" in work.model.parameters(head)}
    visitor = _CorrectingVisitor(work, sampled_outputs(work.reference, work.inputs, layers))
    changes = visitor.run()
    found = work.with_changes(changes)
    return found, Improvement(
        tuple(changes), f"scale correction: the weights' scales of {len(changes)} layers"
    )


def _has_own_scales(spec: LayerSpec) -> bool:
    params = spec.weights.get("weight")
    is_sum = spec.arithmetic is Arithmetic.ACCUMULATE and spec.node.type in ("conv", "linear")
    return is_sum and params is not None and params.granularity == PerChannel(0)


def factors(found: OutputSample, wanted: OutputSample) -> NDArray[np.float64]:
    """The factor of each channel, float64 [C]."""
    given, target = (sample.rows - sample.rows.mean(axis=0) for sample in (found, wanted))
    tiny = np.finfo(np.float64).tiny
    variance = np.maximum(np.square(target).mean(axis=0), tiny)
    slope = (given * target).mean(axis=0) / variance
    chance = np.square(given - slope * target).mean(axis=0) / variance / max(len(given), 1)
    difference = np.where(variance > tiny, 1 / np.clip(slope, 1 / LARGEST, LARGEST) - 1, 0.0)
    steady = np.square(difference) / np.maximum(np.square(difference) + 4 * chance, tiny)
    return np.asarray(1 + steady * difference)


class _CorrectingVisitor(ReworkingVisitor):
    def __init__(self, work: Work, wanted: Mapping[str, OutputSample]) -> None:
        super().__init__(work, wanted.keys())
        self._wanted = wanted

    def rework(self, spec: LayerSpec, call: LayerCall, codes: Sequence[Array]) -> Change:
        node, params = call.node, spec.weights["weight"]
        output = OutputSample.of(self._work.model, node, in_reals(spec, call, codes, self._arrays))
        by_channel = factors(output, self._wanted[node.name])
        corrected = replace(params, scale=(params.scale * by_channel).astype(np.float32))
        held = self._work.model.parameters(node.name)
        weight, bias = held["weight"], held["bias"].astype(np.float64)
        reals = dequantize(quantize(weight, params), corrected)
        moved = output.mean - by_channel * (output.mean - bias)
        return Change(
            {"weight": reals.astype(weight.dtype), "bias": moved.astype(np.float32)}, {"weight": corrected}
        )
