"""`JaxArrays`: the operations on arrays that the core needs, eagerly and under `jit`, `grad` and `vmap`.

What yields NumPy or Python numbers (observers, sums) runs eagerly; what yields arrays runs anywhere. Divisions are
IEEE: see `straight_through.exact_division`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpy.typing import NDArray

from clika_core.numerics import sum_of_squares
from clika_core.numerics.limits import centred_limits
from clika_core.numerics.native_params import NativeParams
from clika_core.numerics.quant_params import QuantParams
from clika_core.numerics.sharing import expand
from clika_core.observers import NumpyArrays
from clika_jax.straight_through import (
    Limit,
    as_float32,
    clip,
    divide,
    divide_and_round,
    inverse_root,
    multiply_add,
    multiply_and_round,
    multiply_then_add,
    with_residuals,
)


class JaxArrays:
    """`clika_core.backend.interface.ArrayOps` on arrays of JAX."""

    def from_numpy(self, array: NDArray[Any], like: Any | None = None) -> Any:
        """An array with the values of `array`, on the device of `like` where that has a single one."""
        made = jnp.asarray(array)
        device = None if like is None or _is_traced(like) else getattr(like, "device", None)
        return made if device is None else jax.device_put(made, device)

    def to_numpy(self, array: Any) -> NDArray[Any]:
        """A NumPy copy on the host; bfloat16, which NumPy does not have, as float32."""
        return to_numpy(array)

    def min_max(self, array: Any) -> tuple[float, float]:
        """Smallest and largest element; NaN if any element is NaN."""
        if _is_on_host(array):
            return _HOST.min_max(np.asarray(array))
        least, most = _min_max(array)
        return float(least), float(most)

    def min_max_per_sample(self, array: Any) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Smallest and largest element of each entry of axis 0; two float32 arrays [N]."""
        if _is_on_host(array):
            return _HOST.min_max_per_sample(np.asarray(array))
        least, most = _min_max_per_sample(array)
        return to_numpy(least), to_numpy(most)

    def histogram(self, array: Any, bin_exponent: int, first_bin: int, num_bins: int) -> NDArray[np.int64]:
        """int64 counts of floor(x / 2**bin_exponent) - first_bin over `num_bins` bins; all x must fall inside.

        Scaling by a power of two is exact in float64 for every float32.
        """
        if _is_on_host(array):
            return _HOST.histogram(np.asarray(array), bin_exponent, first_bin, num_bins)
        with jax.enable_x64(True):
            factor = np.float64(2.0**-bin_exponent)
            return to_numpy(_histogram(array, factor, np.float64(first_bin), num_bins))

    def sum_of_squares(self, array: Any, other: Any | None = None) -> float:
        """Sum of (array - other)**2, or of array**2, every square and the sum in float64."""
        if _is_on_host(array):
            return sum_of_squares(np.asarray(array), None if other is None else np.asarray(other))
        with jax.enable_x64(True):
            return float(_sum_of_squares(array, array * 0 if other is None else other))

    def squared_errors(self, codes: Any, params: QuantParams, reference: Any) -> tuple[float, float]:
        """Sums of (dequantize(codes) - reference)**2, and of reference**2."""
        return self.sum_of_squares(self.dequantize(codes, params), reference), self.sum_of_squares(reference)

    def parts(self, arrays: Sequence[Any]) -> Iterable[tuple[Any, ...]]:
        """All at once."""
        return (tuple(arrays),)

    def quantize(self, array: Any, params: QuantParams) -> Any:
        """Centred codes, float32; NaN stays NaN.

        Straight-through gradient: 1 inside the clip, 0 outside, with respect to `array / scale`.
        """
        scale = expand(params.scale, tuple(array.shape), params.granularity)
        return divide_and_round(array, scale, *centred_limits(params, tuple(array.shape)))

    def dequantize(self, codes: Any, params: QuantParams) -> Any:
        """Centred codes times scale, float32."""
        scale = expand(params.scale, tuple(codes.shape), params.granularity)
        return _multiply(codes, *as_float32(scale))

    def rescale(
        self, accumulator: Any, multiplier: NDArray[np.float32], axis: int | None, params: QuantParams
    ) -> Any:
        """Centred codes of an integer sum times a float32 multiplier: a scalar, or a vector along `axis`."""
        factor = multiplier if axis is None else _along(multiplier, axis, accumulator.ndim)
        return multiply_and_round(accumulator, factor, *centred_limits(params, tuple(accumulator.shape)))

    def multiply_add(self, array: Any, factor: Any, addend: Any) -> Any:
        """`array · factor + addend`, rounded once: in float64 the product is exact."""
        return multiply_add(*as_float32(array, factor, addend))

    def multiply_then_add(self, array: Any, factor: Any, addend: Any) -> Any:
        """`array · factor + addend`, rounded twice."""
        return multiply_then_add(array, factor, addend)

    def inverse_root(self, array: Any) -> Any:
        """`1 / sqrt(array)`, IEEE."""
        return inverse_root(array)

    def round_to_codes(self, array: Any, divisor: NDArray[np.float32], bound: float) -> Any:
        """`clip(rint(array / divisor), -bound, bound)`; `divisor` is a scalar, or a vector along axis 0.

        float64, which holds every bound, where `array` is concrete. float32 while it is traced, where gradients
        have 32 bits: codes beyond 2**24 are integers in it too, and a bound that is none becomes the next float32.
        """
        values = _along(divisor, 0, array.ndim) if divisor.ndim else divisor
        is_narrow = _is_traced(array) or _is_traced(divisor) or array.ndim == 0  # a learned bound
        return divide_and_round(array, values, -float(bound), float(bound), is_wide=not is_narrow)

    def clip(self, codes: Any, minimum: Limit, maximum: Limit) -> Any:
        """Elementwise clip; a limit may be an array of JAX."""
        return clip(codes, minimum, maximum)

    def divide(self, array: Any, divisor: Any) -> Any:
        """array / divisor, IEEE."""
        return divide(array, divisor)

    def detached(self, array: Any) -> Any:
        """The array itself, without its gradient."""
        return lax.stop_gradient(array)

    def learned_codes(self, codes: Any, params: NativeParams, unrounded: Callable[[], Any]) -> Any:
        """Centred codes, with LSQ's gradient to `params.learned`."""
        shape = tuple(codes.shape)
        scale = expand(params.learned, shape, params.granularity)
        limits = centred_limits(cast(QuantParams, params), shape)
        return with_residuals(codes, unrounded(), scale, *limits, params.factor)

    def recomputed(
        self, function: Callable[[Sequence[Any]], tuple[Any, ...]], arrays: Sequence[Any]
    ) -> tuple[Any, ...]:
        """function(arrays), computed again in the backward pass."""
        found: tuple[Any, ...] = jax.checkpoint(lambda own: tuple(function(own)))(list(arrays))
        return found

    def moments(self, array: Any, axes: Sequence[int]) -> tuple[Any, Any]:
        """Mean, and variance over N, along `axes`."""
        wide = array.astype(jnp.float32)
        return jnp.mean(wide, tuple(axes)), jnp.var(wide, tuple(axes))

    def reshape(self, array: Any, shape: Sequence[int]) -> Any:
        """The same elements in another shape."""
        return jnp.reshape(array, tuple(shape))

    def relative_error(self, array: Any, reference: Any) -> Any:
        """Sum of (array - reference)**2 over the sum of reference**2; no gradient to `reference`."""
        wanted = lax.stop_gradient(reference).astype(jnp.float32)
        error = jnp.square(array.astype(jnp.float32) - wanted).sum()
        return error / jnp.maximum(jnp.square(wanted).sum(), _TINY)

    def divergence(self, logits: Any, reference: Any, temperature: float) -> Any:
        """Mean Kullback-Leibler divergence along the last axis, times temperature**2."""
        found = jax.nn.log_softmax(logits.astype(jnp.float32) / temperature)
        wanted = jax.nn.log_softmax(lax.stop_gradient(reference).astype(jnp.float32) / temperature)
        return (jnp.exp(wanted) * (wanted - found)).sum(-1).mean() * temperature**2

    def matmul(self, left: Any, right: Any, *, transposed: bool = False) -> Any:
        """Products of matrices along the last two axes; leading axes broadcast. Exact also on accelerators."""
        with jax.enable_x64(left.dtype == jnp.float64):
            turned = jnp.swapaxes(right, -1, -2) if transposed else right
            return jnp.matmul(left, turned, precision="highest")

    def softmax(self, array: Any, mask: Any | None = None) -> Any:
        """Softmax along the last axis. A boolean `mask` says which elements take part, another one is added."""
        if mask is None:
            return jax.nn.softmax(array, axis=-1)
        is_choice = mask.dtype == jnp.bool_
        masked = jnp.where(mask, array, -jnp.inf) if is_choice else array + mask.astype(array.dtype)
        return jax.nn.softmax(masked, axis=-1)

    def sigmoid(self, array: Any) -> Any:
        """Elementwise."""
        return jax.nn.sigmoid(array)

    def repeat(self, array: Any, times: int, axis: int) -> Any:
        """Every entry along `axis`, `times` in a row."""
        return jnp.repeat(array, times, axis=axis)

    def take(self, array: Any, places: NDArray[np.int64], axis: int) -> Any:
        """Entries along `axis`."""
        return jnp.take(array, jnp.asarray(places, jnp.int32), axis=axis)

    def cast(self, array: Any, dtype: str) -> Any:
        """The array in another floating dtype; 64 bits also where JAX is not set up for them."""
        wanted = np.dtype(dtype)
        if array.dtype == wanted:
            return array
        with jax.enable_x64(True):
            return lax.convert_element_type(array, wanted)


_TINY: Final = float(np.finfo(np.float32).tiny)
_HOST: Final = NumpyArrays()
"""Arrays in the host's memory are read by NumPy as they are: its loops beat XLA's scatter there."""


def _is_traced(array: Any) -> bool:
    return isinstance(array, jax.core.Tracer)


def _is_on_host(array: Any) -> bool:
    return all(device.platform == "cpu" for device in array.devices())


def to_numpy(array: Any) -> NDArray[Any]:
    """A NumPy copy on the host; bfloat16 as float32."""
    found = np.array(array)
    return found.astype(np.float32) if found.dtype == jnp.bfloat16 else found


@jax.jit
def _multiply(codes: Any, scale: Any) -> Any:
    return codes.astype(jnp.float32) * scale


@jax.jit
def _min_max(array: Any) -> tuple[Any, Any]:
    return jnp.min(array), jnp.max(array)


@jax.jit
def _min_max_per_sample(array: Any) -> tuple[Any, Any]:
    samples = array.astype(jnp.float32).reshape(array.shape[0] if array.ndim else 1, -1)
    return samples.min(axis=1), samples.max(axis=1)


@partial(jax.jit, static_argnames="num_bins")
def _histogram(array: Any, factor: Any, first: Any, num_bins: int) -> Any:
    bins = jnp.floor(array.astype(jnp.float64).reshape(-1) * factor) - first
    return jnp.bincount(bins.astype(jnp.int32), length=num_bins).astype(jnp.int64)


@jax.jit
def _sum_of_squares(array: Any, other: Any) -> Any:
    difference = array.astype(jnp.float64) - other.astype(jnp.float64)
    return jnp.sum(difference * difference)


def _along(values: NDArray[Any], axis: int, rank: int) -> NDArray[Any]:
    """A vector, shaped to broadcast along one axis of an array of `rank` axes."""
    return values.reshape([-1 if position == axis % rank else 1 for position in range(rank)])
