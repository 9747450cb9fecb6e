"""The formats and schemes that the deployment targets use.

| target             | weights       | activations                             |
|--------------------|---------------|-----------------------------------------|
| ort, ov, stablehlo | `WEIGHT_INT8` | `ACTIVATION_UINT8`                      |
| trt                | `WEIGHT_INT8` | `ACTIVATION_INT8_SYMMETRIC`             |
| tflite             | `WEIGHT_INT8` | `ACTIVATION_INT8`                       |
| qnn                | `WEIGHT_INT8` | `ACTIVATION_UINT8`, `ACTIVATION_UINT16` |

A target sets the channel axis of an operator type (`with_granularity`), the user the width (`with_num_bits`).
Biases of quantized layers are `INT32`, at the scale of the layer's sums.
"""

from __future__ import annotations

from typing import Final

from clika_core.schemes.formats import BIAS_BITS, CodeRange, FloatFormat, IntegerFormat
from clika_core.schemes.granularity import PerChannel, PerTensor
from clika_core.schemes.scheme import QuantScheme

INT8: Final = IntegerFormat(8, is_signed=True)
INT8_NARROW: Final = IntegerFormat(8, is_signed=True, code_range=CodeRange.NARROW)
UINT8: Final = IntegerFormat(8, is_signed=False)
UINT16: Final = IntegerFormat(16, is_signed=False)
INT32: Final = IntegerFormat(BIAS_BITS, is_signed=True)
FP8_E4M3: Final = FloatFormat(exponent_bits=4, mantissa_bits=3, has_infinity=False)
FP8_E5M2: Final = FloatFormat(exponent_bits=5, mantissa_bits=2, has_infinity=True)

WEIGHT_INT8: Final = QuantScheme(INT8_NARROW, PerChannel(0), is_symmetric=True)
ACTIVATION_UINT8: Final = QuantScheme(UINT8, PerTensor(), is_symmetric=False)
ACTIVATION_UINT16: Final = QuantScheme(UINT16, PerTensor(), is_symmetric=False)
ACTIVATION_INT8: Final = QuantScheme(INT8, PerTensor(), is_symmetric=False)
ACTIVATION_INT8_SYMMETRIC: Final = QuantScheme(INT8, PerTensor(), is_symmetric=True)
