"""The technique of `clika_core.quality.rounding`: layer by layer, on what the layers before it compute."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clika_core.backend.interface import Array, LayerCall
from clika_core.numerics import QuantParams
from clika_core.quality.channels import WEIGHTED
from clika_core.quality.reworking import ReworkingVisitor
from clika_core.quality.rounding import adaptive_codes, output_error, second_moments
from clika_core.quality.summed_inputs import num_groups, summed_inputs
from clika_core.quality.work import Change, Improvement, Work
from clika_core.schemes import PerChannel, PerTensor
from clika_core.schemes.formats import IntegerFormat
from clika_core.simulation.layer_spec import LayerSpec
from clika_core.targets.target import Arithmetic


def round_adaptively(work: Work) -> tuple[Work, Improvement]:
    """The model with weights that lie on the chosen codes, so that every target rounds them to these."""
    layers = [head for head, spec in work.simulation.specs.items() if _is_rounded(spec)]
    visitor = _RoundingVisitor(work, layers)
    changes = {name: change for name, change in visitor.run().items() if change.operands}
    error = float(np.exp(np.mean(np.log(visitor.errors)))) if visitor.errors else 1.0
    summary = (
        f"adaptive rounding: the weights of {len(changes)} layers; squared errors {error:.2f} of those before"
    )
    return work.with_changes(changes), Improvement(tuple(changes), summary)


def _is_rounded(spec: LayerSpec) -> bool:
    params = spec.weights.get("weight")
    is_sum = spec.arithmetic is Arithmetic.ACCUMULATE and spec.node.type in WEIGHTED
    return is_sum and params is not None and _has_codes_by_row(params)


def _has_codes_by_row(params: QuantParams) -> bool:
    is_by_row = params.granularity in (PerTensor(), PerChannel(0))
    return is_by_row and isinstance(params.format, IntegerFormat) and not params.zero_point.any()


class _RoundingVisitor(ReworkingVisitor):
    """Rounds each layer; `errors` are what is left of the squared errors of their outputs."""

    def __init__(self, work: Work, layers: Sequence[str]) -> None:
        super().__init__(work, layers)
        self.errors: list[float] = []

    def rework(self, spec: LayerSpec, call: LayerCall, codes: Sequence[Array]) -> Change:
        weight, params = self._work.model.parameters(call.node.name)["weight"], spec.weights["weight"]
        (code,), (given,) = codes, spec.inputs
        assert given is not None
        value = self._arrays.dequantize(code, given)
        rows = summed_inputs(call, value, weight.shape, self._arrays)
        if rows is None:
            return Change()
        by_group = (num_groups(call), -1, rows.shape[2])
        scale = np.broadcast_to(params.scale, len(weight)).astype(np.float64)
        ratios = (weight.reshape(len(weight), -1) / scale[:, None]).reshape(by_group)
        limits, moments = (params.format.quant_min, params.format.quant_max), second_moments(rows)
        chosen = adaptive_codes(ratios, moments, *limits)
        squares = np.square(scale).reshape(by_group[:2])
        before, after = (
            float((output_error(found - ratios, moments) * squares).sum())
            for found in (np.clip(np.rint(ratios), *limits), chosen)
        )
        if before > 0:
            self.errors.append(max(after / before, 1e-12))
        reals = chosen.reshape(len(weight), -1).astype(np.float32) * params.scale.reshape(-1, 1)
        return Change({"weight": reals.reshape(weight.shape).astype(weight.dtype)})
