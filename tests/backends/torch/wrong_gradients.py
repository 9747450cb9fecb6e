"""Torch backends whose gradients are wrong on purpose, each in one place, with the check that has to notice.

Their codes are right: only training would suffer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from clika_core.backend.interface import TracedModel
from clika_core.numerics import QuantParams
from clika_torch.arrays import TorchArrays
from clika_torch.backend import TorchBackend


def _with_gradient(value: Tensor, of: Tensor) -> Tensor:
    """The values of one with the gradient of the other."""
    return value.detach() + (of - of.detach())


class _Unclipped(TorchArrays):
    """Lets gradients through what saturates."""

    def quantize(self, array: Tensor, params: QuantParams) -> Tensor:
        return _with_gradient(super().quantize(array, params), array / float(params.scale))


class _Stopped(TorchArrays):
    """Rounds as the derivative of rounding has it: nowhere does a gradient come through."""

    def quantize(self, array: Tensor, params: QuantParams) -> Tensor:
        return _with_gradient(super().quantize(array, params), array * 0)


class _Unscaled(TorchArrays):
    """Forgets that codes are reals over scale."""

    def quantize(self, array: Tensor, params: QuantParams) -> Tensor:
        codes = super().quantize(array, params)
        return _with_gradient(codes, codes * float(params.scale))


class _Saturating(TorchArrays):
    """Lets gradients through sums that saturate."""

    def rescale(
        self, accumulator: Tensor, multiplier: NDArray[np.float32], axis: int | None, params: QuantParams
    ) -> Tensor:
        codes = super().rescale(accumulator, multiplier, axis, params)
        return _with_gradient(codes, accumulator * float(multiplier))


class _Undivided(TorchArrays):
    """Forgets the divisor of a bias."""

    def round_to_codes(self, array: Tensor, divisor: NDArray[np.float32], bound: float) -> Tensor:
        return _with_gradient(super().round_to_codes(array, divisor, bound), array)


class _Limitless(TorchArrays):
    """Lets gradients through a clip."""

    def clip(self, codes: Tensor, minimum: Any, maximum: Any) -> Tensor:
        return _with_gradient(super().clip(codes, minimum, maximum), codes)


class _Half(TorchArrays):
    """Gives no gradient to what it multiplies by."""

    def multiply_add(self, array: Tensor, factor: Any, addend: Any) -> Tensor:
        held = factor.detach() if isinstance(factor, Tensor) else factor
        lost = factor * 0 if isinstance(factor, Tensor) else 0
        return super().multiply_add(array, held, addend) + lost


class Wrong(TorchBackend):
    """The torch backend with other operations on arrays."""

    def __init__(self, arrays: type[TorchArrays]) -> None:
        self._arrays = arrays

    def trace(self, model: Any, example_inputs: Any, **more: Any) -> TracedModel:
        traced = super().trace(model, example_inputs, **more)
        traced.arrays = self._arrays()
        return traced


WRONG: Mapping[str, tuple[type[TorchArrays], set[str]]] = {
    "lets gradients through clipped reals": (_Unclipped, {"test_gradients_are_straight_through"}),
    "rounds without a gradient": (_Stopped, {"test_gradients_are_straight_through"}),
    "forgets the scale": (_Unscaled, {"test_gradients_are_straight_through"}),
    "lets gradients through clipped sums": (_Saturating, {"test_gradients_reach_sums_and_biases"}),
    "forgets a bias's divisor": (_Undivided, {"test_gradients_reach_sums_and_biases"}),
    "lets gradients through a clip": (_Limitless, {"test_gradients_stop_at_a_clip"}),
    "gives factors no gradient": (_Half, {"test_gradients_reach_what_is_multiplied_and_added"}),
}
