"""Where learned scales of weights begin.

At few bits the range that holds every weight is far too coarse: with codes -1, 0 and 1 most weights would be zero.
LSQ begins with 2·mean|w| / sqrt(quant_max) (Esser et al. 2020, section 2.1), which suits few bits and cuts off too
much where there are many. The finer of both is where training begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import TracedModel
from clika_core.numerics import QuantParams
from clika_core.numerics.quant_params import MIN_SCALE
from clika_core.numerics.sharing import reduce
from clika_core.simulation.learned import LearnedSimulation


def with_start(learned: LearnedSimulation, model: TracedModel) -> LearnedSimulation:
    """The same, beginning with scales of weights that are at most LSQ's; `model` is preprocessed."""
    held: dict[str, Mapping[str, NDArray[Any]]] = {}
    weights = dict(learned.parameters.weights)
    for layer, role in learned.weights:
        own = held.setdefault(layer, model.parameters(layer))
        weights[layer, role] = started(own[role], weights[layer, role])
    return replace(learned, parameters=replace(learned.parameters, weights=weights))


def started(weight: NDArray[Any], params: QuantParams) -> QuantParams:
    """The parameters with min(scale, 2·mean|w| / sqrt(quant_max)); the mean is of the weights that share a scale.

    Two bits without the lowest code: -1, 0, 1.

    >>> two_bits = IntegerFormat(2, is_signed=True, code_range=CodeRange.NARROW)
    >>> weight = np.asarray([-1.0, 0.25, 0.0, 0.75], np.float32)
    >>> float(started(weight, QuantParams(1.5, 0, two_bits, PerTensor())).scale)
    1.0
    """
    total = reduce(np.abs(weight).astype(np.float64), params.granularity, np.add)
    mean = total / (weight.size / max(params.scale.size, 1))
    finer = np.maximum(2 * mean / np.sqrt(params.format.quant_max), MIN_SCALE)
    return replace(params, scale=np.minimum(params.scale, finer.astype(np.float32)))
