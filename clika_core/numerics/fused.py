"""A product and a sum that are rounded once, as a processor's fused multiply-add rounds them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def multiply_add(array: Any, factor: Any, addend: Any) -> NDArray[np.float32]:
    """`float32(array · factor + addend)` for float32 operands that broadcast.

    In float64 the product is exact. The sum of it and a float32 is rounded to 53 bits and then to 24, which is one
    rounding wherever no bit of either lies more than 52 places below the highest: for codes of 8 bits, and scales
    that are less than 2**21 times one another.

    >>> float(multiply_add(np.float32(3), np.float32(1 / 3), np.float32(-1)))
    2.9802322387695312e-08
    """
    product = np.asarray(array, np.float64) * np.asarray(factor, np.float64)
    return np.asarray(product + np.asarray(addend, np.float64), np.float32)
