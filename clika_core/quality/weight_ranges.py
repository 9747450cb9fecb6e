"""Ranges of weights with the least squared error, instead of those that hold every weight.

Clipping the few largest weights of an output channel lets all others be rounded more finely. For each scale s that
covers the weights, shares of it are tried, and per channel (or group, or tensor) the one is taken with the least

    Σ (w - fake_quantize(w; share · s))²

the largest of equals. Covering everything is among them, so that no squared error rises. It matters at few bits; at
8 bits few channels gain.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from clika_core.ir.operators import OPERATORS
from clika_core.numerics import MIN_SCALE, QuantParams, fake_quantize
from clika_core.numerics.sharing import reduce
from clika_core.quality.work import Improvement, Work
from clika_core.schemes.formats import IntegerFormat

SHARES: Final = np.linspace(1.0, 0.3, 36)


def choose_weight_ranges(work: Work) -> tuple[Work, Improvement]:
    """The model with other scales of weights."""
    found, before, after = {}, 0.0, 0.0
    for (layer, role), params in work.parameters.weights.items():
        weight = work.model.parameters(layer).get(role)
        is_weight = role in OPERATORS[work.plan.graph[layer].type].weight_operands
        if weight is None or not is_weight or not isinstance(params.format, IntegerFormat):
            continue
        chosen = least_error_params(weight, params)
        before += float(squared_error(weight, params).sum())
        after += float(squared_error(weight, chosen).sum())
        if chosen != params:
            found[layer, role] = chosen
    layers = tuple(dict.fromkeys(layer for layer, _ in found))
    share = after / before if before else 1.0
    summary = f"weight ranges: those of {len(layers)} layers; squared errors {share:.2f} of those before"
    return work.with_weight_params(found), Improvement(layers, summary)


def least_error_params(weight: NDArray[Any], params: QuantParams) -> QuantParams:
    """Parameters with shares of the scales of `params`, each with the least squared error of its weights."""
    best, least = params.scale, squared_error(weight, params)
    for share in SHARES[1:]:
        scale = np.maximum(params.scale * np.float32(share), np.float32(MIN_SCALE))
        error = squared_error(weight, _with_scale(params, scale))
        best, least = np.where(error < least, scale, best), np.minimum(error, least)
    return _with_scale(params, best)


def squared_error(weight: NDArray[Any], params: QuantParams) -> NDArray[np.float64]:
    """The squared error of the weights that share a scale, in the shape of the scale."""
    errors = np.square(np.asarray(weight, np.float64) - fake_quantize(weight, params))
    return np.asarray(reduce(errors, params.granularity, np.add))


def _with_scale(params: QuantParams, scale: NDArray[np.float32]) -> QuantParams:
    return QuantParams(scale, params.zero_point, params.format, params.granularity)
