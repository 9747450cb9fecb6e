"""The technique of `clika_core.quality.rounding`: layer by layer, on what the layers before it compute."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clika_core.numerics import QuantParams
from clika_core.quality.channels import WEIGHTED
from clika_core.quality.reworking import Rework
from clika_core.quality.rounding import rounded
from clika_core.quality.running_layer import RunningLayer
from clika_core.quality.summed_inputs import summed_inputs
from clika_core.quality.work import Change, Work
from clika_core.schemes import PerChannel, PerTensor
from clika_core.schemes.formats import IntegerFormat
from clika_core.simulation.layer_spec import LayerSpec
from clika_core.targets.target import Arithmetic


class AdaptiveRounding(Rework):
    """Gives layers weights that lie on the chosen codes, so that every target rounds them to these."""

    def __init__(self, work: Work) -> None:
        """Of the quantized model of `work`."""
        self.layers = {head for head, spec in work.simulation.specs.items() if _is_rounded(spec)}
        self._left: list[float] = []  # of the squared errors of layers' outputs

    def change(self, layer: RunningLayer) -> Change:
        """A weight on codes that err less; nothing where its inputs are too many to lay out."""
        weight, params = layer.operands["weight"], layer.spec.weights["weight"]
        rows = summed_inputs(layer.call, layer.codes[0], weight.shape, layer.work.model.arrays)
        if rows is None:
            return Change()
        by_group = (len(rows), -1, rows.shape[2])
        scale = np.broadcast_to(params.scale, len(weight)).astype(np.float64)
        ratios = (weight.reshape(len(weight), -1) / scale[:, None]).reshape(by_group)
        found = rounded(ratios, rows, params.format.quant_min, params.format.quant_max)
        squares = np.square(scale).reshape(by_group[:2])
        before, after = (float((errors * squares).sum()) for errors in (found.before, found.after))
        if before > 0:
            self._left.append(max(after / before, 1e-12))
        reals = found.codes.reshape(len(weight), -1).astype(np.float32) * params.scale.reshape(-1, 1)
        return Change({"weight": reals.reshape(weight.shape).astype(weight.dtype)})

    def summary(self, layers: Sequence[str]) -> str:
        """How many layers, and what is left of their errors."""
        left = float(np.exp(np.mean(np.log(self._left)))) if self._left else 1.0
        count = f"{len(layers)} layers"
        return f"adaptive rounding: the weights of {count}; squared errors {left:.2f} of those before"


def _is_rounded(spec: LayerSpec) -> bool:
    params = spec.weights.get("weight")
    is_sum = spec.arithmetic is Arithmetic.ACCUMULATE and spec.node.type in WEIGHTED
    return is_sum and params is not None and _has_codes_by_row(params)


def _has_codes_by_row(params: QuantParams) -> bool:
    is_by_row = params.granularity in (PerTensor(), PerChannel(0))
    return is_by_row and isinstance(params.format, IntegerFormat) and not params.zero_point.any()
