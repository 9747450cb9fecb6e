"""`ArrayOps`: the operations on native arrays that the core needs of a backend.

`Array` stands for the framework's own tensor type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from clika_core.numerics.quant_params import QuantParams

Array: TypeAlias = Any


class ArrayOps(Protocol):
    """The listed operations on native arrays that the core needs. All are differentiable where marked (d)."""

    def from_numpy(self, array: NDArray[Any], like: Array | None = None) -> Array:
        """A native array with the values of `array`, on the device of `like`."""

    def to_numpy(self, array: Array) -> NDArray[Any]:
        """A NumPy copy, detached, on the host."""

    def min_max(self, array: Array) -> tuple[float, float]:
        """Smallest and largest element; NaN if any element is NaN."""

    def min_max_per_sample(self, array: Array) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Smallest and largest element of each entry of axis 0; two float32 arrays [N]."""

    def histogram(self, array: Array, bin_exponent: int, first_bin: int, num_bins: int) -> NDArray[np.int64]:
        """int64 counts of floor(x / 2**bin_exponent) - first_bin over `num_bins` bins; all x must fall inside."""

    def sum_of_squares(self, array: Array, other: Array | None = None) -> float:
        """Sum of (array - other)**2, or of array**2, every square and the sum in float64."""

    def squared_errors(self, codes: Array, params: QuantParams, reference: Array) -> tuple[float, float]:
        """Sums of (dequantize(codes) - reference)**2, and of reference**2, as `sum_of_squares` takes them."""

    def parts(self, arrays: Sequence[Array]) -> Iterable[tuple[Array, ...]]:
        """Arrays of one length along axis 0, as much of them at a time as is quick to compute with elementwise.

        Parts are neighbours along axis 0, in order. All at once where nothing is gained.
        """

    def quantize(self, array: Array, params: QuantParams) -> Array:
        """(d) Centred codes `clip(rint(x / scale) + zero_point, quant_min, quant_max) - zero_point`, float32.

        The division is IEEE. Straight-through gradient: 1 inside the clip, 0 outside, with respect to `x / scale`.
        """

    def dequantize(self, codes: Array, params: QuantParams) -> Array:
        """(d) Centred codes times scale, float32."""

    def rescale(
        self, accumulator: Array, multiplier: NDArray[np.float32], axis: int | None, params: QuantParams
    ) -> Array:
        """(d) Centred codes `clip(rint(accumulator * multiplier) + zero_point, ...) - zero_point`.

        `multiplier` is a scalar, or a vector along `axis` of the accumulator; the product is float32.
        """

    def multiply_add(self, array: Array, factor: Array | np.float32, addend: Array | np.float32) -> Array:
        """(d) `float32(array · factor + addend)`, rounded once: what `clika_core.numerics.multiply_add` gives.

        `array` is float32; the others are float32 arrays, or numbers of NumPy, that broadcast to it or with it.
        """

    def multiply_then_add(self, array: Array, factor: Array, addend: Array) -> Array:
        """(d) `float32(float32(array · factor) + addend)`, rounded twice, for float32 arrays that broadcast.

        Compiled too, where a compiler would make one operation of the two, which rounds once.
        """

    def inverse_root(self, array: Array) -> Array:
        """`1 / sqrt(array)`, root and division IEEE in float32; no gradient. For statistics."""

    def round_to_codes(self, array: Array, divisor: NDArray[np.float32], bound: float) -> Array:
        """(d) `clip(rint(array / divisor), -bound, bound)`, for biases; `divisor` broadcasts along axis 0."""

    def clip(self, codes: Array, minimum: float, maximum: float) -> Array:
        """(d) Elementwise clip."""

    def matmul(self, left: Array, right: Array, *, transposed: bool = False) -> Array:
        """(d) Products of matrices [..., M, K] and [..., K, N], or [..., N, K] where `transposed`: [..., M, N].

        Leading axes broadcast. Sums of integers below 2**24 (2**53 in float64) are exact.
        """

    def softmax(self, array: Array, mask: Array | None = None) -> Array:
        """(d) Softmax along the last axis. A boolean `mask` says which elements take part, another one is added."""

    def sigmoid(self, array: Array) -> Array:
        """(d) 1 / (1 + exp(-array)), elementwise, to within two units in the last place."""

    def repeat(self, array: Array, times: int, axis: int) -> Array:
        """(d) Every entry along `axis`, `times` in a row."""

    def take(self, array: Array, places: NDArray[np.int64], axis: int) -> Array:
        """(d) The entries along `axis` that stand at `places` [n], in their order: n of them."""

    def cast(self, array: Array, dtype: str) -> Array:
        """(d) The array in another floating dtype (`float32`, `float64`)."""
