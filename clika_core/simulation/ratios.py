"""One scale over another, in float32: NumPy's where both are fixed, native where one is learned."""

from __future__ import annotations

from typing import Any

import numpy as np

from clika_core.backend.interface import Array, ArrayOps
from clika_core.numerics import QuantParams


def ratio(params: QuantParams, output: QuantParams, like: Array, arrays: ArrayOps, count: float = 1.0) -> Any:
    """s / (s_o · count): a float32 number, or a native array where either scale is learned."""
    scales: list[Any] = [params.scale, output.scale]
    if all(isinstance(scale, np.ndarray | np.generic) for scale in scales):
        return np.float32(params.scale / (output.scale * np.float32(count)))
    above, below = (
        arrays.from_numpy(np.asarray(scale, np.float32), like) if isinstance(scale, np.ndarray) else scale
        for scale in scales
    )
    return above / (below * count)


def operand(value: Any) -> Any:
    """A number as Python's own, which every framework takes in the dtype of the array beside it."""
    return float(value) if isinstance(value, np.generic) else value
