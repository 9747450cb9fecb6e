"""Rounding that lets gradients through, exact in the forward direction.

`x + (round(x) - x).detach()` is exact on codes but not on reals; a function of its own is exact on both.
(Bengio et al. 2013, arXiv:1308.3432: the rounding counts as the identity.)
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

_FLOAT32_INTEGERS: Final = 2.0**24


Limit: TypeAlias = float | Tensor  # one for all codes, or a float32 tensor that broadcasts to them


class _RoundToRange(torch.autograd.Function):
    """clip(rint(ratio), low, high); the derivative is 1 where nothing is clipped."""

    @staticmethod
    def forward(ctx: FunctionCtx, ratio: Tensor, low: Limit, high: Limit, is_wide: bool) -> Tensor:
        codes = torch.round(ratio.double() if is_wide else ratio)
        ctx.save_for_backward((codes >= low) & (codes <= high))
        return codes.clamp_(low, high)  # type: ignore[arg-type]

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        (inside,) = ctx.saved_tensors
        return (upstream[0] * inside).float(), None, None, None


def round_to_range(ratio: Tensor, low: Limit, high: Limit) -> Tensor:
    """`clip(rint(ratio), low, high)`, rint to even; NaN stays NaN. Overwrites `ratio` where no gradient is asked.

    `ratio` is float32 of any shape. The result is float32, float64 where a limit is an integer that float32
    cannot hold.
    """
    is_wide = isinstance(high, float) and isinstance(low, float) and max(-low, high) > _FLOAT32_INTEGERS
    if torch.is_grad_enabled() and ratio.requires_grad:
        result: Tensor = _RoundToRange.apply(ratio, low, high, is_wide)  # type: ignore[no-untyped-call]
        return result
    return (ratio.double() if is_wide else ratio).round_().clamp_(low, high)  # type: ignore[arg-type]
