"""`LoopbackArrays`: the operations on arrays that the core needs, where arrays are NumPy's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.numerics import QuantParams, multiply_add, sum_of_squares
from clika_core.numerics.quantize import as_float32, centred_codes
from clika_core.numerics.sharing import expand
from clika_core.observers import NumpyArrays
from clika_loopback.kernels.kernel import along


class LoopbackArrays(NumpyArrays):
    """`clika_core.backend.interface.ArrayOps` in NumPy, on the core's reference arithmetic. No gradients."""

    def from_numpy(self, array: NDArray[Any], like: NDArray[Any] | None = None) -> NDArray[Any]:
        """A copy."""
        return np.array(array)

    def to_numpy(self, array: NDArray[Any]) -> NDArray[Any]:
        """A copy."""
        return np.array(array)

    def sum_of_squares(self, array: NDArray[Any], other: NDArray[Any] | None = None) -> float:
        """Sum of (array - other)**2, or of array**2, in float64."""
        return sum_of_squares(array, other)

    def squared_errors(
        self, codes: NDArray[Any], params: QuantParams, reference: NDArray[Any]
    ) -> tuple[float, float]:
        """Sums of (dequantize(codes) - reference)**2, and of reference**2."""
        return self.sum_of_squares(self.dequantize(codes, params), reference), self.sum_of_squares(reference)

    def parts(self, arrays: Sequence[NDArray[Any]]) -> Iterable[tuple[NDArray[Any], ...]]:
        """All at once."""
        return (tuple(arrays),)

    def quantize(self, array: NDArray[Any], params: QuantParams) -> NDArray[Any]:
        """Centred codes, float32; NaN stays NaN."""
        return np.asarray(centred_codes(as_float32(array), params))

    def dequantize(self, codes: NDArray[Any], params: QuantParams) -> NDArray[np.float32]:
        """Centred codes times scale, float32."""
        return np.asarray(codes.astype(np.float32) * expand(params.scale, codes.shape, params.granularity))

    def rescale(
        self,
        accumulator: NDArray[Any],
        multiplier: NDArray[np.float32],
        axis: int | None,
        params: QuantParams,
    ) -> NDArray[np.float32]:
        """Centred codes of integer sums times a float32 multiplier: a scalar, or a vector along `axis`."""
        factor = multiplier if axis is None else along(multiplier, axis, accumulator.ndim)
        zero_point = params.zero_point.astype(np.float32)
        codes = np.rint(accumulator.astype(np.float32) * factor) + zero_point
        return np.asarray(np.clip(codes, params.format.quant_min, params.format.quant_max) - zero_point)

    def multiply_add(self, array: NDArray[Any], factor: Any, addend: Any) -> NDArray[np.float32]:
        """`array · factor + addend`, rounded once."""
        return multiply_add(array, factor, addend)

    def multiply_then_add(self, array: NDArray[Any], factor: Any, addend: Any) -> NDArray[np.float32]:
        """`array · factor + addend`, rounded twice."""
        return np.asarray(array * factor + addend, np.float32)

    def inverse_root(self, array: NDArray[Any]) -> NDArray[np.float32]:
        """`1 / sqrt(array)`."""
        return np.asarray(np.float32(1) / np.sqrt(array), np.float32)

    def round_to_codes(
        self, array: NDArray[Any], divisor: NDArray[np.float32], bound: float
    ) -> NDArray[np.float64]:
        """`clip(rint(array / divisor), -bound, bound)`, float64, which holds any bound of 32 bits."""
        values = along(divisor, 0, array.ndim) if divisor.ndim else divisor
        return np.clip(np.rint(as_float32(array) / values).astype(np.float64), -bound, bound)

    def clip(self, codes: NDArray[Any], minimum: float, maximum: float) -> NDArray[Any]:
        """Elementwise clip."""
        return np.asarray(np.clip(codes, minimum, maximum))

    def matmul(self, left: NDArray[Any], right: NDArray[Any], *, transposed: bool = False) -> NDArray[Any]:
        """Products of matrices along the last two axes."""
        return np.asarray(left @ (right.swapaxes(-1, -2) if transposed else right))

    def softmax(self, array: NDArray[Any], mask: NDArray[Any] | None = None) -> NDArray[Any]:
        """Softmax along the last axis. A boolean `mask` says which elements take part, another one is added."""
        if mask is not None:
            array = np.where(mask, array, -np.inf) if mask.dtype == np.bool_ else array + mask
        powers = np.exp(array - array.max(axis=-1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True)).astype(array.dtype)

    def sigmoid(self, array: NDArray[Any]) -> NDArray[Any]:
        """Elementwise; numbers far below zero overflow to infinity, and their sigmoid is 0."""
        with np.errstate(over="ignore"):
            return np.asarray(1 / (1 + np.exp(-array))).astype(array.dtype)

    def repeat(self, array: NDArray[Any], times: int, axis: int) -> NDArray[Any]:
        """Every entry along `axis`, `times` in a row."""
        return np.repeat(array, times, axis=axis)

    def take(self, array: NDArray[Any], places: NDArray[np.int64], axis: int) -> NDArray[Any]:
        """Entries along `axis`."""
        return np.take(array, places, axis=axis)

    def cast(self, array: NDArray[Any], dtype: str) -> NDArray[Any]:
        """The array in another floating dtype."""
        return array.astype(dtype)
