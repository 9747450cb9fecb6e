"""`TorchArrays`: the operations on tensors that the core needs, the same on every device.

Divisions are IEEE: scales are tensors on the device of what they divide, because torch multiplies by a reciprocal
where a GPU tensor is divided by a number. Nothing here uses `torch.fake_quantize_*`, which does so always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from clika_core.numerics.limits import integer_limits
from clika_core.numerics.native_params import NativeParams
from clika_core.numerics.quant_params import QuantParams
from clika_core.numerics.sharing import expand
from clika_core.schemes.formats import BIAS_BITS
from clika_torch.dtypes import torch_dtype
from clika_torch.straight_through import (
    Limit,
    clamp_codes,
    clamp_to,
    multiply_add,
    round_to_range,
    with_residuals,
)

_TINY: Final = 1e-12  # a sum of squares of nothing
_CHUNK: Final = {"cpu": 2**17, "cuda": 2**24}  # elements at a time: what fits a CPU's cache, what fills a GPU
_SUMMED: Final = {"cpu": 2**15, "cuda": 2**24}  # likewise, in float64
_PART: Final = {"cpu": 2**19}


class TorchArrays:
    """`clika_core.backend.interface.ArrayOps` on tensors."""

    def from_numpy(self, array: NDArray[Any], like: Tensor | None = None) -> Tensor:
        """A tensor with a copy of the values of `array`, on the device of `like`."""
        return torch.tensor(array, device=None if like is None else like.device)

    def to_numpy(self, array: Tensor) -> NDArray[Any]:
        """A NumPy copy, detached, on the host; bfloat16, which NumPy does not have, as float32."""
        return to_numpy(array)

    def min_max(self, array: Tensor) -> tuple[float, float]:
        """Smallest and largest element; NaN if any element is NaN."""
        least, most = torch.aminmax(array.detach())
        return float(least), float(most)

    def min_max_per_sample(self, array: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Smallest and largest element of each entry of axis 0; two float32 arrays [N]."""
        samples = array.detach().float().reshape(array.shape[0] if array.dim() else 1, -1)
        least, most = torch.aminmax(samples, dim=1)
        return to_numpy(least), to_numpy(most)

    def histogram(self, array: Tensor, bin_exponent: int, first_bin: int, num_bins: int) -> NDArray[np.int64]:
        """int64 counts of floor(x / 2**bin_exponent) - first_bin over `num_bins` bins; all x must fall inside.

        Scaling by a power of two is exact in float64 for every float32, and in float32 where it only scales up.
        """
        is_exact = -126 <= bin_exponent <= 0 and abs(first_bin) < 2**24
        total = torch.zeros(num_bins, dtype=torch.int64, device=array.device)
        parts = _parts(array)
        size = max(part.numel() for part in parts)
        reals = torch.empty(size, dtype=torch.float32 if is_exact else torch.float64, device=array.device)
        numbers = torch.empty(size, dtype=torch.int32, device=array.device)
        for part in parts:
            values, bins = reals[: part.numel()].copy_(part), numbers[: part.numel()]
            bins.copy_(values.mul_(2.0**-bin_exponent).floor_().sub_(float(first_bin)))
            total += torch.bincount(bins, minlength=num_bins)
        return to_numpy(total)

    def sum_of_squares(self, array: Tensor, other: Tensor | None = None) -> float:
        """Sum of (array - other)**2, or of array**2, every difference, square and the sum in float64."""
        flat = array.detach().reshape(-1)
        opposite = None if other is None else other.detach().reshape(-1)
        total = torch.zeros((), dtype=torch.float64, device=array.device)
        size = min(_SUMMED.get(flat.device.type, flat.numel()), flat.numel())
        wide = torch.empty(size, dtype=torch.float64, device=array.device)
        for start in range(0, flat.numel(), max(size, 1)):
            part = flat[start : start + size]
            difference = wide[: part.numel()].copy_(part)
            if opposite is not None:
                difference.sub_(opposite[start : start + size])
            total += torch.dot(difference, difference)
        return float(total)

    def squared_errors(self, codes: Tensor, params: QuantParams, reference: Tensor) -> tuple[float, float]:
        """Sums of (dequantize(codes) - reference)**2 and of reference**2, in float64, a cacheful at a time."""
        if params.scale.ndim:
            found = self.dequantize(codes, params)
            return self.sum_of_squares(found, reference), self.sum_of_squares(reference)
        flat, reals = codes.detach().reshape(-1), reference.detach().reshape(-1)
        step, size = float(params.scale), _SUMMED.get(flat.device.type, max(flat.numel(), 1))
        totals = [torch.zeros((), dtype=torch.float64, device=flat.device) for _ in range(2)]
        wide = torch.empty(min(size, flat.numel()), dtype=torch.float64, device=flat.device)
        for code, real in zip(torch.split(flat, size), torch.split(reals, size), strict=True):
            for total, values in zip(totals, (torch.sub(real, code, alpha=step), real), strict=True):
                exact = wide[: real.numel()].copy_(values)
                total.add_(torch.dot(exact, exact))
        return float(totals[0]), float(totals[1])

    def parts(self, arrays: Sequence[Tensor]) -> Iterable[tuple[Tensor, ...]]:
        """Some samples at a time on a CPU, so that what is computed of them stays in its cache."""
        largest = max(arrays, key=Tensor.numel)
        size = max(
            1, _PART.get(largest.device.type, largest.numel()) * len(largest) // max(largest.numel(), 1)
        )
        return zip(*(torch.split(array, size) for array in arrays), strict=True)

    def quantize(self, array: Tensor, params: QuantParams) -> Tensor:
        """Centred codes, float32 (float64 for 32-bit formats); NaN stays NaN.

        Straight-through gradient: 1 inside the clip, 0 outside, with respect to `array / scale`.
        """
        scale = _constant(expand(params.scale, tuple(array.shape), params.granularity), array)
        limits = _centred_limits(params, array)
        is_wide = params.format.num_bits == BIAS_BITS
        if is_wide or scale.dim() or scale.requires_grad or not _is_plain(array):
            return round_to_range(array.float(), scale, *limits, is_divided=True)
        codes = torch.empty_like(array)
        for part, code in zip(_parts(array), _parts(codes), strict=True):
            torch.div(part, scale, out=code).round_().clamp_(*limits)  # type: ignore[arg-type]
        return codes

    def dequantize(self, codes: Tensor, params: QuantParams) -> Tensor:
        """Centred codes times scale, float32."""
        scale = expand(params.scale, tuple(codes.shape), params.granularity)
        return codes.float() * _constant(scale, codes)

    def rescale(
        self, accumulator: Tensor, multiplier: NDArray[np.float32], axis: int | None, params: QuantParams
    ) -> Tensor:
        """Centred codes of an integer sum times a float32 multiplier: a scalar, or a vector along `axis`."""
        factor = _constant(multiplier, accumulator)
        if axis is not None:
            factor = _along(factor, axis, accumulator.dim())
        limits = _centred_limits(params, accumulator)
        return round_to_range(accumulator.float(), factor, *limits, is_divided=False)

    def multiply_add(self, array: Tensor, factor: Tensor | np.float32, addend: Tensor | np.float32) -> Tensor:
        """`array · factor + addend`, rounded once: in float64 the product is exact."""
        given = (x if isinstance(x, Tensor) else float(x) for x in (factor, addend))
        return multiply_add(array, *given)

    def multiply_then_add(self, array: Tensor, factor: Tensor, addend: Tensor) -> Tensor:
        """`array · factor + addend`, rounded twice: two operations, which inductor does not contract on a CPU."""
        return array * factor + addend

    def inverse_root(self, array: Tensor) -> Tensor:
        """`1 / sqrt(array)`: torch's root in float32 is not always the nearest number, float64's is."""
        return 1 / array.detach().double().sqrt().float()

    def round_to_codes(self, array: Tensor, divisor: NDArray[np.float32], bound: float) -> Tensor:
        """`clip(rint(array / divisor), -bound, bound)`; float64 where float32 cannot hold the bound.

        `divisor` is a scalar, or a vector along axis 0.
        """
        values = _constant(divisor, array)
        if values.dim():
            values = _along(values, 0, array.dim())
        return round_to_range(array.float(), values, -bound, bound, is_divided=True)

    def clip(self, codes: Tensor, minimum: Limit, maximum: Limit) -> Tensor:
        """Elementwise clip; a limit may be a tensor."""
        if isinstance(minimum, Tensor) or isinstance(maximum, Tensor):
            return clamp_to(codes, _limit(minimum, codes), _limit(maximum, codes))
        is_of_codes = float(minimum).is_integer() and float(maximum).is_integer()
        return clamp_codes(codes, minimum, maximum) if is_of_codes else codes.clamp(minimum, maximum)

    def divide(self, array: Tensor, divisor: Tensor) -> Tensor:
        """array / divisor: torch's own division is IEEE."""
        return array / divisor

    def detached(self, array: Tensor) -> Tensor:
        """The tensor itself, without its gradient."""
        return array.detach()

    def learned_codes(self, codes: Tensor, params: NativeParams, unrounded: Callable[[], Tensor]) -> Tensor:
        """Centred codes, with LSQ's gradient to `params.learned`."""
        if not (torch.is_grad_enabled() and params.learned.requires_grad):
            return codes
        scale: Any = expand(params.learned, tuple(codes.shape), params.granularity)
        limits = _centred_limits(cast(QuantParams, params), codes)
        return with_residuals(codes, unrounded(), scale, *limits, params.factor)

    def recomputed(
        self, function: Callable[[Sequence[Tensor]], tuple[Tensor, ...]], arrays: Sequence[Tensor]
    ) -> tuple[Tensor, ...]:
        """function(arrays), computed again in the backward pass."""
        found: tuple[Tensor, ...] = checkpoint(lambda *own: function(own), *arrays, use_reentrant=False)
        return found

    def moments(self, array: Tensor, axes: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Mean, and variance over N, along `axes`."""
        variance, mean = torch.var_mean(array.float(), list(axes), correction=0)
        return mean, variance

    def reshape(self, array: Tensor, shape: Sequence[int]) -> Tensor:
        """The same elements in another shape."""
        return array.reshape(list(shape))

    def relative_error(self, array: Tensor, reference: Tensor) -> Tensor:
        """Sum of (array - reference)**2 over the sum of reference**2; no gradient to `reference`."""
        wanted = reference.detach().float()
        return (array.float() - wanted).square().sum() / wanted.square().sum().clamp_min(_TINY)

    def divergence(self, logits: Tensor, reference: Tensor, temperature: float) -> Tensor:
        """Mean Kullback-Leibler divergence along the last axis, times temperature**2."""
        found = torch.log_softmax(logits.float() / temperature, dim=-1)
        wanted = torch.log_softmax(reference.detach().float() / temperature, dim=-1)
        return (wanted.exp() * (wanted - found)).sum(dim=-1).mean() * temperature**2

    def matmul(self, left: Tensor, right: Tensor, *, transposed: bool = False) -> Tensor:
        """Products of matrices along the last two axes; leading axes broadcast."""
        return torch.matmul(left, right.transpose(-1, -2) if transposed else right)

    def softmax(self, array: Tensor, mask: Tensor | None = None) -> Tensor:
        """Softmax along the last axis. A boolean `mask` says which elements take part, another one is added."""
        if mask is None:
            return torch.softmax(array, dim=-1)
        is_choice = mask.dtype == torch.bool
        masked = array.masked_fill(~mask, -torch.inf) if is_choice else array + mask.to(array.dtype)
        return torch.softmax(masked, dim=-1)

    def sigmoid(self, array: Tensor) -> Tensor:
        """Elementwise."""
        return torch.sigmoid(array)

    def repeat(self, array: Tensor, times: int, axis: int) -> Tensor:
        """Every entry along `axis`, `times` in a row."""
        return array.repeat_interleave(times, dim=axis)

    def take(self, array: Tensor, places: NDArray[np.int64], axis: int) -> Tensor:
        """Entries along `axis`."""
        return array.index_select(axis, torch.as_tensor(places, device=array.device))

    def cast(self, array: Tensor, dtype: str) -> Tensor:
        """The tensor in another floating dtype."""
        wanted = torch_dtype(dtype)
        return array.to(wanted)


def _is_plain(array: Tensor) -> bool:
    """Whether `array` can be computed with a cacheful at a time, into memory of our own."""
    is_watched = torch.compiler.is_compiling() or (torch.is_grad_enabled() and array.requires_grad)
    is_large = array.device.type == "cpu" and array.numel() > _CHUNK["cpu"]
    return is_large and array.dtype == torch.float32 and array.is_contiguous() and not is_watched


def _limit(value: Limit, like: Tensor) -> Tensor:
    return value if isinstance(value, Tensor) else torch.tensor(value, dtype=like.dtype, device=like.device)


def to_numpy(tensor: Tensor) -> NDArray[Any]:
    """A NumPy copy, detached, on the host; bfloat16 as float32."""
    held = tensor.detach()
    held = held.float() if held.dtype == torch.bfloat16 else held
    return np.array(held.cpu().numpy())


def _constant(values: NDArray[Any] | np.float32 | Tensor, like: Tensor) -> Tensor:
    """Values as float32 tensor where `like` is; a copy, because parameters cannot be written. A tensor as it is."""
    if isinstance(values, Tensor):
        return values
    return torch.as_tensor(np.array(values, np.float32), device=like.device)


def _along(values: Tensor, axis: int, rank: int) -> Tensor:
    """A vector, shaped to broadcast along one axis of a tensor of `rank` axes."""
    return values.reshape([-1 if position == axis % rank else 1 for position in range(rank)])


def _centred_limits(params: QuantParams, like: Tensor) -> tuple[Limit, Limit]:
    """quant_min - zero_point and quant_max - zero_point; raises NumericsError for formats that are not integers.

    Numbers where all codes share them, for speed; under torch.compile, which cannot read arrays, tensors.
    """
    low, high = integer_limits(params.format)
    if params.format.num_bits == BIAS_BITS:
        return low, high  # zero_point is 0
    if not torch.compiler.is_compiling() and (params.zero_point.ndim == 0 or not params.zero_point.any()):
        zero_point = float(params.zero_point) if params.zero_point.ndim == 0 else 0.0
        return low - zero_point, high - zero_point
    spread = _constant(expand(params.zero_point, tuple(like.shape), params.granularity), like)
    return low - spread, high - spread


def _parts(array: Tensor) -> tuple[Tensor, ...]:
    """The elements in order, some at a time."""
    flat = array.detach().reshape(-1)
    return torch.split(flat, _CHUNK.get(flat.device.type, flat.numel() or 1))
