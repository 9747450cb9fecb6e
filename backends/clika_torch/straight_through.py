"""Rounding that lets gradients through, exact in the forward direction.

`x + (round(x) - x).detach()` is exact on codes but not on reals; a function of its own is exact on both.
(Bengio et al. 2013, arXiv:1308.3432: the rounding counts as the identity.)

A step of training spends its time here and in convolutions, so each function passes over its tensors as few times as
it can, by operations that torch runs vectorized: `hardtanh_backward` is one such, comparisons and masks are not. It
lets gradients through strictly between its limits, which lie half a code outside ours.
"""

from __future__ import annotations

from itertools import repeat
from typing import Any, Final, TypeAlias

import torch
from torch import Tensor

_CACHED: Final = 2**16
_HALVES: Final = 2.0**22  # up to here float32 holds integers and a half


Limit: TypeAlias = float | Tensor  # one for all codes, or a float32 tensor that broadcasts to them


class _RoundToRange(torch.autograd.Function):
    """clip(rint(values · factor), low, high), or divided by it; the derivative is 1 where nothing is clipped."""

    @staticmethod
    def forward(
        ctx: Any, values: Tensor, factor: Tensor, low: Limit, high: Limit, is_divided: bool, is_wide: bool
    ) -> Tensor:
        ratio = values / factor if is_divided else values * factor
        rounded = (ratio.double() if is_wide else ratio).round_()
        is_plain = isinstance(low, float) and isinstance(high, float)
        ctx.bounds = (low - 0.5, high + 0.5) if is_plain else None
        ctx.is_divided = is_divided
        kept = rounded if is_plain else (rounded >= low) & (rounded <= high)
        ctx.save_for_backward(kept, factor, values if ctx.needs_input_grad[1] else None)
        return rounded.clamp(low, high)  # type: ignore[arg-type]

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        kept, factor, values = ctx.saved_tensors
        if ctx.bounds is None:
            inside = (upstream[0] * kept).float()
        else:
            inside = torch.ops.aten.hardtanh_backward(upstream[0], kept, *ctx.bounds).float()
        to_factor = None
        if values is not None:
            product = inside * values
            to_factor = summed_to(product, factor)
            if ctx.is_divided:
                to_factor = -to_factor / factor.square()
        if not ctx.needs_input_grad[0]:
            return None, to_factor, None, None, None, None
        return (
            inside.div_(factor) if ctx.is_divided else inside.mul_(factor),
            to_factor,
            None,
            None,
            None,
            None,
        )


def round_to_range(values: Tensor, factor: Tensor, low: Limit, high: Limit, *, is_divided: bool) -> Tensor:
    """`clip(rint(values · factor), low, high)`, or values / factor; rint to even; NaN stays NaN.

    Both are float32, `factor` broadcasts to `values`. The result is float32, float64 where a limit is an integer
    that float32 cannot hold.
    """
    is_plain = isinstance(high, float) and isinstance(low, float)
    is_wide = is_plain and max(-low, high) > _HALVES
    if torch.is_grad_enabled() and (values.requires_grad or factor.requires_grad):
        result: Tensor = _RoundToRange.apply(values, factor, low, high, is_divided, is_wide)  # type: ignore[no-untyped-call]
        return result
    ratio = values / factor if is_divided else values * factor
    return (ratio.double() if is_wide else ratio).round_().clamp_(low, high)  # type: ignore[arg-type]


class _Clamp(torch.autograd.Function):
    """clip(codes, low, high); the derivative is 1 where nothing is clipped."""

    @staticmethod
    def forward(ctx: Any, codes: Tensor, low: float, high: float) -> Tensor:
        ctx.save_for_backward(codes)
        ctx.bounds = (low - 0.5, high + 0.5)
        return codes.clamp(low, high)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        return torch.ops.aten.hardtanh_backward(upstream[0], *ctx.saved_tensors, *ctx.bounds), None, None


def clamp_codes(codes: Tensor, low: float, high: float) -> Tensor:
    """`clip(codes, low, high)`, for integers; the limits are integers too."""
    if torch.is_grad_enabled() and codes.requires_grad:
        result: Tensor = _Clamp.apply(codes, low, high)  # type: ignore[no-untyped-call]
        return result
    return codes.clamp(low, high)


class _ClampTo(torch.autograd.Function):
    """clip(codes, low, high), for integers, between tensors that broadcast; 1 where nothing is clipped."""

    @staticmethod
    def forward(ctx: Any, codes: Tensor, low: Tensor, high: Tensor) -> Tensor:
        ctx.save_for_backward(codes, low, high)
        return torch.clamp(codes, low, high)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        codes, low, high = ctx.saved_tensors
        if low.dim() or high.dim() or codes.device.type != "cpu":  # a GPU would wait for the numbers
            return upstream[0] * ((codes >= low) & (codes <= high)), None, None
        bounds = float(low) - 0.5, float(high) + 0.5
        return torch.ops.aten.hardtanh_backward(upstream[0], codes, *bounds), None, None


def clamp_to(codes: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """`clip(codes, low, high)`, for integers; limits are tensors that broadcast, without gradients."""
    if torch.is_grad_enabled() and codes.requires_grad:
        result: Tensor = _ClampTo.apply(codes, low, high)  # type: ignore[no-untyped-call]
        return result
    return torch.minimum(torch.maximum(codes, low), high)


class _WithResiduals(torch.autograd.Function):
    """Codes; the gradient to their scale is that of what rounding and clipping left over."""

    @staticmethod
    def forward(
        ctx: Any, codes: Tensor, unrounded: Tensor, scale: Tensor, low: Limit, high: Limit, factor: float
    ) -> Tensor:
        if isinstance(low, float) and isinstance(high, float):
            inside = torch.ops.aten.hardtanh_backward(unrounded, unrounded, low - 0.5, high + 0.5)
        else:
            inside = unrounded * ((unrounded > low - 0.5) & (unrounded < high + 0.5))
        ctx.save_for_backward(torch.sub(codes, inside, out=inside), scale)
        ctx.factor = factor
        return codes.view_as(codes)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        residuals, scale = ctx.saved_tensors
        (given,) = upstream
        if scale.numel() == 1 and given.is_contiguous() and residuals.is_contiguous():
            total = torch.dot(given.view(-1), residuals.view(-1)).reshape(scale.shape)
        else:
            total = summed_to(given * residuals, scale)
        return given, None, total.mul_(ctx.factor).div_(scale), None, None, None


def with_residuals(
    codes: Tensor, unrounded: Tensor, scale: Tensor, low: Limit, high: Limit, factor: float
) -> Tensor:
    """The codes, whose gradient goes to `scale` too: factor · Σ upstream · d / scale, summed as `scale` is broadcast.

    d is codes - unrounded within half a code of the limits, and codes elsewhere. `unrounded` has no gradient.
    """
    result: Tensor = _WithResiduals.apply(codes, unrounded, scale, low, high, factor)  # type: ignore[no-untyped-call]
    return result


class _MultiplyAdd(torch.autograd.Function):
    """array · factor + addend, rounded once; factor and addend are tensors or numbers."""

    @staticmethod
    def forward(ctx: Any, array: Tensor, factor: Tensor | float, addend: Tensor | float) -> Tensor:
        ctx.factor, ctx.addend = (None if isinstance(x, Tensor) else x for x in (factor, addend))
        tensors = (x if isinstance(x, Tensor) else None for x in (factor, addend))
        ctx.save_for_backward(array if ctx.needs_input_grad[1] else None, *tensors)
        ctx.shape = array.shape
        return _multiplied(array, factor, addend)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        array, factor, addend = ctx.saved_tensors
        (given,) = upstream
        multiplier = ctx.factor if factor is None else factor
        to_array = (given * multiplier).sum_to_size(ctx.shape) if ctx.needs_input_grad[0] else None
        to_factor = summed_to(given * array, factor) if ctx.needs_input_grad[1] else None
        to_addend = summed_to(given, addend) if ctx.needs_input_grad[2] else None
        return to_array, to_factor, to_addend


def multiply_add(array: Tensor, factor: Tensor | float, addend: Tensor | float) -> Tensor:
    """`float32(array · factor + addend)`, rounded once: in float64 the product is exact. All float32."""
    if torch.is_grad_enabled() and any(
        isinstance(x, Tensor) and x.requires_grad for x in (array, factor, addend)
    ):
        result: Tensor = _MultiplyAdd.apply(array, factor, addend)  # type: ignore[no-untyped-call]
        return result
    return _multiplied(array, factor, addend)


def _multiplied(array: Tensor, factor: Tensor | float, addend: Tensor | float) -> Tensor:
    """In float64, a part at a time where the parts are large: they stay in a CPU's cache."""
    is_shared = not isinstance(factor, Tensor) or not factor.dim()
    is_beside = not isinstance(addend, Tensor) or addend.shape == array.shape
    if is_shared and is_beside and array.dim() and array.device.type == "cpu" and array.numel() > _CACHED:
        found = torch.empty_like(array)
        parts = addend if isinstance(addend, Tensor) else repeat(addend)
        for result, part, added in zip(found, array, parts, strict=False):
            result.copy_(part.double().mul_(factor).add_(added))
        return found
    wide = (x.double() if isinstance(x, Tensor) else x for x in (factor, addend))
    return (array.double() * next(wide) + next(wide)).float()


def summed_to(gradient: Tensor, like: Tensor) -> Tensor:
    """A gradient summed over the axes along which `like` was broadcast."""
    return gradient.sum_to_size(like.shape)
