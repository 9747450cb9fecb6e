"""Quantization parameters of weights, from the weights themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.errors import NumericsError
from clika_core.numerics.quant_params import QuantParams
from clika_core.numerics.quantize import as_float32
from clika_core.numerics.ranges import params_from_range
from clika_core.numerics.sharing import reduce
from clika_core.schemes.scheme import QuantScheme


def weight_params(weight: NDArray[Any], scheme: QuantScheme) -> QuantParams:
    """The parameters that cover every element of `weight`, by the scheme's granularity.

    Raises `NumericsError` when the weight is empty or holds NaN or infinity.
    """
    values = as_float32(weight)
    if values.size == 0 or not np.isfinite(values).all():
        raise NumericsError(
            "this weight cannot be quantized",
            found=f"{int((~np.isfinite(values)).sum())} non-finite of {values.size} values",
            expected="at least one value, all finite",
            fix="check the checkpoint this weight was loaded from",
        )
    low = reduce(values, scheme.granularity, np.minimum)
    high = reduce(values, scheme.granularity, np.maximum)
    return params_from_range(low, high, scheme)
