"""The reference arithmetic in NumPy: what every backend must compute, code for code.

Imports `clika_core.schemes` and `clika_core.errors`, and NumPy. Start reading at `quant_params`, then
`quantize`; `ranges` and `weights` make parameters, `bias` and `requantize` are a quantized layer's inside,
`gradients` its training, `distance` the measures of sensitivity, `probes` the inputs on which
implementations differ.
"""

from clika_core.numerics.bias import bias_params, quantize_bias, raise_weight_scale_for_bias
from clika_core.numerics.distance import relative_l2, sqnr_db, sum_of_squares
from clika_core.numerics.fused import multiply_add
from clika_core.numerics.quant_params import MIN_SCALE, QuantParams
from clika_core.numerics.quantize import dequantize, fake_quantize, quantize
from clika_core.numerics.ranges import params_from_range
from clika_core.numerics.requantize import requantize, requantize_multiplier
from clika_core.numerics.weights import weight_params

__all__ = [
    "MIN_SCALE",
    "QuantParams",
    "bias_params",
    "dequantize",
    "fake_quantize",
    "multiply_add",
    "params_from_range",
    "quantize",
    "quantize_bias",
    "raise_weight_scale_for_bias",
    "relative_l2",
    "requantize",
    "requantize_multiplier",
    "sqnr_db",
    "sum_of_squares",
    "weight_params",
]
