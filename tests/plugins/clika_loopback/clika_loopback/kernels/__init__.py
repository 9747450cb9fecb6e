"""One NumPy function per operation: `KERNELS[type](operands, attributes)` gives an array, or several.

`operands` are by role, as the vocabulary of `clika_core.ir.operators` names them; a number given as operand
stands among the attributes. Results have the floating dtype of the operands: integers in float32 stay exact
below 2**24, in float64 below 2**53. Spatial kernels work on channels first: `compute` brings them there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_loopback.kernels import activation, arithmetic, movement, normalisation, pooling, weighted
from clika_loopback.kernels.kernel import Kernel

KERNELS: Mapping[str, Kernel] = {
    **activation.KERNELS,
    **arithmetic.KERNELS,
    **movement.KERNELS,
    **normalisation.KERNELS,
    **pooling.KERNELS,
    **weighted.KERNELS,
}


def compute(
    type_name: str, operands: Mapping[str, NDArray[Any]], attributes: Mapping[str, Any]
) -> tuple[NDArray[Any], ...]:
    """The results of one operation, always as a tuple."""
    channels = attributes.get("channel_axis", 1)
    if channels != 1:
        operands = {**operands, "input": np.moveaxis(operands["input"], channels, 1)}
    results = KERNELS[type_name](operands, attributes)
    found = results if isinstance(results, tuple) else (results,)
    return tuple(np.moveaxis(array, 1, channels) if array.ndim > channels != 1 else array for array in found)
