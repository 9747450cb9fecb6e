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

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clika_core.quality.reference import OutputSample
from clika_core.quality.reworking import Rework
from clika_core.quality.running_layer import RunningLayer, summing_heads
from clika_core.quality.work import Change, Work

STEADINESS: Final = 8  # from 1 to 8 MiniLM keeps its accuracy; with no limit at all it loses 3 dB


class BiasCorrection(Rework):
    """Corrects the biases of all integer layers that have one."""

    def __init__(self, work: Work) -> None:
        """Of the quantized model of `work`."""
        heads = summing_heads(work.simulation)
        self.layers = {head for head in heads if "bias" in work.model.parameters(head)}

    def change(self, layer: RunningLayer) -> Change:
        """A corrected bias."""
        bias = layer.operands["bias"].astype(np.float64) - shift(layer.output, layer.wanted)
        return Change({"bias": bias.astype(np.float32)})

    def summary(self, layers: Sequence[str]) -> str:
        """How many biases."""
        return f"bias correction: the biases of {len(layers)} layers"


def shift(found: OutputSample, wanted: OutputSample) -> NDArray[np.float64]:
    """What to take off each channel, [C]: the mean error, as far as it is the same everywhere."""
    mean = found.mean - wanted.mean
    variance = (found.rows - wanted.rows).var(axis=0) / STEADINESS
    square = np.square(mean)
    return np.asarray(mean * square / np.maximum(square + variance, np.finfo(np.float64).tiny))
