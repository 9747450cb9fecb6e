"""Scale correction: what quantization takes off the size of a layer's outputs is given back by its weights' scales.

Clipped and rounded inputs make a layer's outputs a little too small, or too large, in proportion to what they should
be. With y the float outputs, less each channel's mean, and y~ = g y + noise the quantized model's own, the scales of
the layer's weights are multiplied by

    factor = 1 + steady · (1 / g - 1)                  g = Σ y~ y / Σ y²

over channels and some rows. That is not the factor of the least squared error, Σ y~ y / Σ y~², which noise makes
smaller: layer by layer outputs would shrink. But it makes the noise larger by as much as it raises y, which costs
more than it gains where a layer is noisy. So it is taken only where d = 1 / g - 1 is more than SURE of its standard
errors e away from 0, and the squared error falls by more than SURE standard errors too:

    Σ (y~ - y)² - (factor · y~ - y)²                   steady = d² / (d² + 4 e²)

Both errors are those between samples, for rows of one image err alike: with s the sums of a sample over channels and
rows, e² = Σ (s[y~ y] - g s[y²])² / (Σ y²)², the estimate that is robust against clusters (Liang and Zeger 1986,
"Longitudinal data analysis using generalized linear models", section 2).

The codes of the weights stay; their scale takes the factor, which costs nothing at run time, and the bias makes up
for what the factor does to the channels' means. Layers are corrected in the order they run, each fed with what the
corrected layers before it compute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clika_core.numerics import dequantize, quantize
from clika_core.quality.reference import OutputSample
from clika_core.quality.reworking import Rework
from clika_core.quality.running_layer import RunningLayer
from clika_core.quality.work import Change, Work
from clika_core.schemes import PerChannel
from clika_core.simulation.layer_spec import LayerSpec
from clika_core.targets.target import Arithmetic

LARGEST: Final = 1.25  # a factor beyond it, or its inverse, is no rounding's doing
SURE: Final = 2  # standard errors


class ScaleCorrection(Rework):
    """Corrects the scales of the weights of layers that have a bias, which makes up for what that does to means."""

    def __init__(self, work: Work) -> None:
        """Of the quantized model of `work`."""
        specs, model = work.simulation.specs.items(), work.model
        self.layers = {
            head for head, spec in specs if _has_own_scales(spec) and "bias" in model.parameters(head)
        }

    def change(self, layer: RunningLayer) -> Change:
        """Corrected scales, and a weight and bias that go with them; nothing where the factor is 1."""
        output, params, held = layer.output, layer.spec.weights["weight"], layer.operands
        factor = layer_factor(output, layer.wanted)
        if factor == 1:
            return Change()
        corrected = replace(params, scale=(params.scale * factor).astype(np.float32))
        reals = dequantize(quantize(held["weight"], params), corrected).astype(held["weight"].dtype)
        bias = output.mean - factor * (output.mean - held["bias"].astype(np.float64))
        return Change({"weight": reals, "bias": bias.astype(np.float32)}, {"weight": corrected})

    def summary(self, layers: Sequence[str]) -> str:
        """How many of those that could be corrected."""
        count = f"{len(layers)} layers, of {len(self.layers)} looked at"
        return f"scale correction: the weights' scales of {count}"


def _has_own_scales(spec: LayerSpec) -> bool:
    params = spec.weights.get("weight")
    is_sum = spec.arithmetic is Arithmetic.ACCUMULATE and spec.node.type in ("conv", "linear")
    return is_sum and params is not None and params.granularity == PerChannel(0)


def layer_factor(found: OutputSample, wanted: OutputSample) -> float:
    """The factor of a layer; 1 where samples do not tell that the squared error falls."""
    given, target = (sample.rows - sample.rows.mean(axis=0, dtype=np.float64) for sample in (found, wanted))
    pairs = ((given, target), (target, target), (given, given))
    products, squares, own = (_by_sample(*pair, wanted.owners) for pair in pairs)
    energy, count = squares.sum(), len(squares)
    if count < 2 or energy <= 0:
        return 1.0
    slope = products.sum() / energy
    chance = np.square(products - slope * squares).sum() / energy**2 * count / (count - 1)
    difference = 1 / np.clip(slope, 1 / LARGEST, LARGEST) - 1
    if difference**2 <= SURE**2 * chance:
        return 1.0
    factor = 1 + difference * difference**2 / (difference**2 + 4 * chance)
    gains = (1 - factor**2) * own - 2 * (
        1 - factor
    ) * products  # of (given - target)², factor · given against given
    return float(factor) if gains.sum() > SURE * np.sqrt(count * gains.var(ddof=1)) else 1.0


def _by_sample(
    first: NDArray[np.float64], second: NDArray[np.float64], owners: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The sums of products of rows [rows, C] over the channels and rows of each sample that has any."""
    _, positions = np.unique(owners, return_inverse=True)
    return np.asarray(np.bincount(positions, np.einsum("rc,rc->r", first, second)), np.float64)
