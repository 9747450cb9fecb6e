"""Gradients of fake quantization, as every backend's automatic differentiation must give them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.numerics.quant_params import QuantParams
from clika_core.numerics.quantize import as_float32, clip_codes, unclipped_codes
from clika_core.numerics.sharing import expand, reduce


def straight_through_mask(x: NDArray[Any], params: QuantParams) -> NDArray[np.bool_]:
    """The derivative of `fake_quantize(x)` to `x`: True (1) where no clipping happens, False (0) elsewhere.

    No clipping: `rint(x / scale) + zero_point`, before clipping, lies in [quant_min, quant_max]. NaN gives
    False. (Bengio et al. 2013; the rounding counts as the identity.)
    """
    codes = unclipped_codes(as_float32(x), params)
    return np.asarray((codes >= params.format.quant_min) & (codes <= params.format.quant_max))


def scale_gradient(x: NDArray[Any], upstream: NDArray[Any], params: QuantParams) -> NDArray[np.float32]:
    """The gradient of a loss to `scale` (LSQ, Esser et al. 2020, section 2), shape of `scale`.

    With v = x / scale and `upstream` the loss's gradient to `fake_quantize(x)`, summed over the N elements
    that share a scale:

        sum(upstream · d) / sqrt(N · (quant_max - zero_point))
        d = rint(v) - v                    where no clipping happens
            quant_min - zero_point         below
            quant_max - zero_point         above

    Where zero_point is quant_max (a range without positive values) the factor's width counts as 1.
    """
    values = as_float32(x)
    zero_point = expand(params.zero_point, values.shape, params.granularity).astype(np.float32)
    centred = clip_codes(unclipped_codes(values, params), params.format) - zero_point
    with np.errstate(over="ignore"):
        ratio = values / expand(params.scale, values.shape, params.granularity)
    slope = centred - np.where(straight_through_mask(values, params), ratio, 0)
    total = reduce(slope * upstream.astype(np.float64), params.granularity, np.add)
    count = reduce(np.ones(values.shape), params.granularity, np.add)
    width = np.maximum(params.format.quant_max - params.zero_point, 1)
    return np.asarray(total / np.sqrt(count * width)).astype(np.float32)
