"""`TensorFlowArrays`: the operations on tensors that the core needs, the same eagerly and compiled.

Divisions are IEEE. A compiler that knows a divisor multiplies by its reciprocal instead, so inside a graph the
divisor takes the sign of what it divides: a value that nobody knows beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, cast

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from clika_core.numerics.limits import centred_limits
from clika_core.numerics.native_params import NativeParams
from clika_core.numerics.quant_params import QuantParams
from clika_core.numerics.sharing import expand
from clika_tensorflow.example import to_numpy
from clika_tensorflow.straight_through import Limit, round_to_range, with_residuals

_TINY: Final = 1e-12  # a sum of squares of nothing
_CHUNK: Final = 2**18  # elements at a time: what fits a CPU's cache


class TensorFlowArrays:
    """`clika_core.backend.interface.ArrayOps` on tensors."""

    def from_numpy(self, array: NDArray[Any], like: Any | None = None) -> Any:
        """A tensor with the values of `array`."""
        return tf.constant(array)

    def to_numpy(self, array: Any) -> NDArray[Any]:
        """A NumPy copy on the host; bfloat16, which NumPy does not have, as float32."""
        return to_numpy(array)

    def min_max(self, array: Any) -> tuple[float, float]:
        """Smallest and largest element; NaN if any element is NaN."""
        held = np.asarray(array)
        return float(np.min(held)), float(np.max(held))

    def min_max_per_sample(self, array: Any) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Smallest and largest element of each entry of axis 0; two float32 arrays [N]."""
        held = np.asarray(array, np.float32)
        samples = held.reshape(held.shape[0] if held.ndim else 1, -1)
        return samples.min(axis=1), samples.max(axis=1)

    def histogram(self, array: Any, bin_exponent: int, first_bin: int, num_bins: int) -> NDArray[np.int64]:
        """int64 counts of floor(x / 2**bin_exponent) - first_bin over `num_bins` bins; all x must fall inside.

        Scaling by a power of two is exact in float64 for every float32, and in float32 where it only scales up.
        """
        flat = np.asarray(array).reshape(-1)
        is_exact = -126 <= bin_exponent <= 0 and abs(first_bin) < 2**24
        total = np.zeros(num_bins, np.int64)
        dtype = np.dtype(np.float32 if is_exact else np.float64)
        factor = np.asarray(2.0**-bin_exponent, dtype)
        for start in range(0, flat.size, _CHUNK):
            part = flat[start : start + _CHUNK].astype(dtype)
            bins = np.floor(part * factor).astype(np.int64) - first_bin
            total += np.bincount(bins, minlength=num_bins)
        return total

    def sum_of_squares(self, array: Any, other: Any | None = None) -> float:
        """Sum of (array - other)**2, or of array**2, every square and the sum in float64."""
        flat = np.asarray(array).reshape(-1)
        others = None if other is None else np.asarray(other).reshape(-1)
        total = 0.0
        for start in range(0, flat.size, _CHUNK):
            part = flat[start : start + _CHUNK].astype(np.float64)
            if others is not None:
                part -= others[start : start + _CHUNK]
            total += float(np.dot(part, part))
        return total

    def squared_errors(self, codes: Any, params: QuantParams, reference: Any) -> tuple[float, float]:
        """Sums of (dequantize(codes) - reference)**2, and of reference**2."""
        return self.sum_of_squares(self.dequantize(codes, params), reference), self.sum_of_squares(reference)

    def parts(self, arrays: Sequence[Any]) -> Iterable[tuple[Any, ...]]:
        """All at once."""
        return (tuple(arrays),)

    def quantize(self, array: Any, params: QuantParams) -> Any:
        """Centred codes, float32 (float64 for 32-bit formats); NaN stays NaN.

        Straight-through gradient: 1 inside the clip, 0 outside, with respect to `array / scale`.
        """
        scale = _expanded(params, _shape(array))
        return round_to_range(
            divided(tf.cast(array, tf.float32), scale), *centred_limits(params, _shape(array))
        )

    def dequantize(self, codes: Any, params: QuantParams) -> Any:
        """Centred codes times scale, float32."""
        return tf.cast(codes, tf.float32) * _expanded(params, _shape(codes))

    def rescale(
        self, accumulator: Any, multiplier: NDArray[np.float32], axis: int | None, params: QuantParams
    ) -> Any:
        """Centred codes of an integer sum times a float32 multiplier: a scalar, or a vector along `axis`."""
        factor = _constant(multiplier)
        if axis is not None:
            factor = _along(factor, axis, accumulator.shape.rank)
        product = tf.cast(accumulator, tf.float32) * factor
        return round_to_range(product, *centred_limits(params, _shape(accumulator)))

    def multiply_add(self, array: Any, factor: Any, addend: Any) -> Any:
        """`array · factor + addend`, rounded once: in float64 the product is exact."""
        wide = [tf.cast(x, tf.float64) for x in (array, factor, addend)]
        return tf.cast(wide[0] * wide[1] + wide[2], tf.float32)

    def multiply_then_add(self, array: Any, factor: Any, addend: Any) -> Any:
        """`array · factor + addend`, rounded twice."""
        return _kept(_kept(array) * factor) + addend

    def inverse_root(self, array: Any) -> Any:
        """`1 / sqrt(array)`, IEEE: XLA would take a quick inverse root instead."""
        return 1 / _kept(tf.sqrt(tf.stop_gradient(array)))

    def round_to_codes(self, array: Any, divisor: NDArray[np.float32], bound: float) -> Any:
        """`clip(rint(array / divisor), -bound, bound)`; float64 where float32 cannot hold the bound.

        `divisor` is a scalar, or a vector along axis 0.
        """
        values = _constant(divisor)
        if values.shape.rank:
            values = _along(values, 0, array.shape.rank)
        return round_to_range(divided(tf.cast(array, tf.float32), values), -bound, bound)

    def clip(self, codes: Any, minimum: Limit, maximum: Limit) -> Any:
        """Elementwise clip; a limit may be a tensor."""
        return tf.clip_by_value(codes, tf.cast(minimum, codes.dtype), tf.cast(maximum, codes.dtype))

    def divide(self, array: Any, divisor: Any) -> Any:
        """array / divisor: with tensors on both sides TensorFlow's own division is IEEE."""
        return array / divisor

    def detached(self, array: Any) -> Any:
        """The tensor itself, without its gradient."""
        return tf.stop_gradient(array)

    def learned_codes(self, codes: Any, params: NativeParams, unrounded: Callable[[], Any]) -> Any:
        """Centred codes, with LSQ's gradient to `params.learned`."""
        scale = _shaped(params.learned, params, _shape(codes))
        limits = centred_limits(cast(QuantParams, params), _shape(codes))
        return with_residuals(codes, unrounded(), scale, *limits, params.factor)

    def moments(self, array: Any, axes: Sequence[int]) -> tuple[Any, Any]:
        """Mean, and variance over N, along `axes`."""
        mean, variance = tf.nn.moments(tf.cast(array, tf.float32), list(axes))
        return mean, variance

    def reshape(self, array: Any, shape: Sequence[int]) -> Any:
        """The same elements in another shape."""
        return tf.reshape(array, list(shape))

    def relative_error(self, array: Any, reference: Any) -> Any:
        """Sum of (array - reference)**2 over the sum of reference**2; no gradient to `reference`."""
        wanted = tf.stop_gradient(tf.cast(reference, tf.float32))
        error = tf.reduce_sum(tf.square(tf.cast(array, tf.float32) - wanted))
        return error / tf.maximum(tf.reduce_sum(tf.square(wanted)), _TINY)

    def divergence(self, logits: Any, reference: Any, temperature: float) -> Any:
        """Mean Kullback-Leibler divergence along the last axis, times temperature**2."""
        found = tf.nn.log_softmax(tf.cast(logits, tf.float32) / temperature)
        wanted = tf.nn.log_softmax(tf.stop_gradient(tf.cast(reference, tf.float32)) / temperature)
        return tf.reduce_mean(tf.reduce_sum(tf.exp(wanted) * (wanted - found), -1)) * temperature**2

    def matmul(self, left: Any, right: Any, *, transposed: bool = False) -> Any:
        """Products of matrices along the last two axes; leading axes broadcast."""
        return tf.matmul(left, right, transpose_b=transposed)

    def softmax(self, array: Any, mask: Any | None = None) -> Any:
        """Softmax along the last axis. A boolean `mask` says which elements take part, another one is added."""
        if mask is None:
            return tf.nn.softmax(array, axis=-1)
        is_choice = mask.dtype == tf.bool
        masked = tf.where(mask, array, -np.inf) if is_choice else array + tf.cast(mask, array.dtype)
        return tf.nn.softmax(masked, axis=-1)

    def sigmoid(self, array: Any) -> Any:
        """Elementwise."""
        return tf.sigmoid(array)

    def repeat(self, array: Any, times: int, axis: int) -> Any:
        """Every entry along `axis`, `times` in a row."""
        return tf.repeat(array, times, axis=axis)

    def take(self, array: Any, places: NDArray[np.int64], axis: int) -> Any:
        """Entries along `axis`."""
        return tf.gather(array, places, axis=axis)

    def cast(self, array: Any, dtype: str) -> Any:
        """The tensor in another floating dtype."""
        return tf.cast(array, dtype)


def _kept(values: Any) -> Any:
    """The values, rounded: XLA neither merges their product with another's nor contracts it with a sum after this."""
    return values if tf.executing_eagerly() else tf.where(tf.math.is_nan(values), values * 0, values)


def divided(values: Any, divisor: Any) -> Any:
    """`values / divisor`, correctly rounded also in compiled code; the divisor is positive.

    |x| / d is x / (d with the sign of x), which no compiler knows the reciprocal of; the sign is put back after it.
    """
    positive = _constant(divisor)
    if tf.executing_eagerly():
        return values / positive
    is_negative = values < 0
    magnitude = values / tf.where(is_negative, -positive, positive)
    return tf.where(is_negative, -magnitude, magnitude)


def _shape(array: Any) -> tuple[int, ...]:
    """The sizes; one that a compiled function leaves open stands for any."""
    return tuple(1 if size is None else int(size) for size in array.shape)


def _expanded(params: QuantParams, shape: tuple[int, ...]) -> Any:
    """The scale, arranged to broadcast against an array of `shape`; it may be a tensor, which gradients reach."""
    if not tf.is_tensor(params.scale):
        return _constant(expand(params.scale, shape, params.granularity))
    return _shaped(params.scale, params, shape)


def _shaped(scale: Any, params: QuantParams | NativeParams, shape: tuple[int, ...]) -> Any:
    """A tensor of the scale's shape, arranged to broadcast against an array of `shape`."""
    likeness = expand(np.empty(scale.shape, np.float32), shape, params.granularity)
    return tf.reshape(scale, likeness.shape)


def _constant(values: Any) -> Any:
    """Values as a float32 tensor; a tensor as it is."""
    return values if tf.is_tensor(values) else tf.constant(np.asarray(values, np.float32))


def _along(values: Any, axis: int, rank: int) -> Any:
    """A vector, shaped to broadcast along one axis of a tensor of `rank` axes."""
    return tf.reshape(values, [-1 if position == axis % rank else 1 for position in range(rank)])
