"""Rounding that lets gradients through, exact in the forward direction.

`x + (round(x) - x).detach()` is exact on codes but not on reals; a function of its own is exact on both.
(Bengio et al. 2013, arXiv:1308.3432: the rounding counts as the identity.)
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

_FLOAT32_INTEGERS: Final = 2.0**24


class _RoundToRange(torch.autograd.Function):
    """clip(rint(ratio) + zero_point, low, high) - zero_point; the derivative is 1 where nothing is clipped."""

    @staticmethod
    def forward(ctx: FunctionCtx, ratio: Tensor, zero_point: Tensor, low: float, high: float) -> Tensor:
        codes = torch.round(ratio) + zero_point
        if max(-low, high) > _FLOAT32_INTEGERS:
            codes = codes.double()
        ctx.save_for_backward((codes >= low) & (codes <= high))
        return codes.clamp(low, high) - zero_point

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        (inside,) = ctx.saved_tensors
        return (upstream[0] * inside).float(), None, None, None


def round_to_range(ratio: Tensor, zero_point: Tensor, low: float, high: float) -> Tensor:
    """`clip(rint(ratio) + zero_point, low, high) - zero_point`, rint to even; NaN stays NaN.

    `ratio` is float32 of any shape, `zero_point` a float32 tensor that broadcasts to it. The result is float32,
    float64 where the limits are integers that float32 cannot hold.
    """
    result: Tensor = _RoundToRange.apply(ratio, zero_point, low, high)  # type: ignore[no-untyped-call]
    return result
