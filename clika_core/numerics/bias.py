"""Biases of quantized layers: int32 codes at the scale of the layer's sums.

A layer adds products of input codes and weight codes, each worth `scale_x · scale_w[c]`. The bias joins
that sum as an integer, so its scale is given, not chosen:

    scale_bias[c] = float32(scale_x · scale_w[c])        zero_point 0        (Jacob et al. 2018, section 2.4)
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from clika_core.errors import NumericsError
from clika_core.numerics.quant_params import MIN_SCALE, QuantParams
from clika_core.numerics.quantize import as_float32, quantize
from clika_core.schemes.granularity import PerChannel, PerGroup, PerTensor
from clika_core.schemes.named import INT32

BIAS_LIMIT: Final = 2**30  # half of int32, so that the bias and the layer's own sum do not wrap together
_ROUNDING: Final = 1 + 2.0**-21  # more than the float32 rounding of the product and of the quotient together


def bias_params(input_params: QuantParams, weight_params: QuantParams) -> QuantParams:
    """The parameters of a bias [C]: int32, per channel when the weight is, else per tensor.

    `input_params` is per tensor. Raises `NumericsError` for blocked weights, whose sums have no single
    scale, and when a product is below 2**-100 (`raise_weight_scale_for_bias` prevents it).
    """
    if isinstance(weight_params.granularity, PerGroup) or not isinstance(input_params.granularity, PerTensor):
        raise NumericsError(
            "this layer's sums have no single scale for each channel",
            found=f"input {input_params.granularity}, weight {weight_params.granularity}",
            expected="input per tensor, weight per tensor or per channel",
            fix="keep the bias float",
        )
    scale = np.asarray(input_params.scale * weight_params.scale)
    granularity = PerChannel(0) if scale.ndim else PerTensor()
    return QuantParams(scale, np.zeros(scale.shape, np.int32), INT32, granularity)


def quantize_bias(
    bias: NDArray[Any], input_params: QuantParams, weight_params: QuantParams
) -> NDArray[np.int32]:
    """The int32 codes of `bias` [C]: half to even, saturating."""
    return quantize(bias, bias_params(input_params, weight_params))


def raise_weight_scale_for_bias(
    weight_params: QuantParams, input_params: QuantParams, bias: NDArray[Any] | None
) -> QuantParams:
    """`weight_params` with every scale raised, where needed, until the bias fits and its scale is usable.

    Afterwards `|quantize_bias(bias, ...)| <= 2**30` and `scale_x · scale_w >= 2**-100`. Only channels with
    next to no weight beside their bias are touched: they lose nothing. `bias` is [C], or None for a layer
    without one.
    """
    magnitude = np.zeros(1) if bias is None else np.abs(as_float32(bias).astype(np.float64))
    least_product = np.maximum(magnitude / BIAS_LIMIT, MIN_SCALE) * _ROUNDING
    least = least_product / input_params.scale.astype(np.float64)
    if weight_params.scale.ndim == 0:
        least = least.max(initial=0.0)
    scale = np.maximum(weight_params.scale, least).astype(np.float32)
    return QuantParams(scale, weight_params.zero_point, weight_params.format, weight_params.granularity)
