"""Between the shape of an array and the shape of its `scale`, for any granularity."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.errors import NumericsError
from clika_core.schemes.granularity import Granularity, PerChannel, PerTensor, normalize_axis


def expand(values: NDArray[Any], shape: tuple[int, ...], granularity: Granularity) -> NDArray[Any]:
    """`values` in the shape of `scale`, arranged so that they broadcast against an array of `shape`.

    Raises `NumericsError` when `values` is not shaped for such an array.
    """
    expected = granularity.scale_shape(shape)
    if values.shape != expected:
        raise NumericsError(
            "quantization parameters do not belong to this array",
            found=f"scale of shape {list(values.shape)} {granularity}, array of shape {list(shape)}",
            expected=f"scale of shape {list(expected)}",
            fix="use the parameters that were made for this array",
        )
    if isinstance(granularity, PerTensor):
        return values
    axis = normalize_axis(granularity.axis, shape)
    if isinstance(granularity, PerChannel):
        return values.reshape([-1 if i == axis else 1 for i in range(len(shape))])
    return np.repeat(values, granularity.size, axis).take(range(shape[axis]), axis)


def reduce(array: NDArray[Any], granularity: Granularity, operation: np.ufunc) -> NDArray[Any]:
    """`operation` (`np.minimum`, `np.add`, ...) over the elements that share a scale: shape of `scale`."""
    if isinstance(granularity, PerTensor):
        return np.asarray(operation.reduce(array, axis=None))
    axis = normalize_axis(granularity.axis, array.shape)
    if isinstance(granularity, PerChannel):
        others = tuple(i for i in range(array.ndim) if i != axis)
        return np.asarray(operation.reduce(array, axis=others))
    starts = np.arange(0, array.shape[axis], granularity.size)
    return np.asarray(operation.reduceat(array, starts, axis))
