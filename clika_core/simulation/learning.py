"""Codes through which a gradient reaches a learned scale, in one sum.

A layer that reads codes q of a scale s depends on q·s alone, so <q, dL/dq> / s is what all readers together give to s
(Euler's theorem), and -<v, dL/dq> / s over what is not clipped, v being q before rounding, is what the layer that
computes q gives. Both are large and their difference is small. Taken element by element it is LSQ's own formula
(Esser et al. 2020, equation 3), and nothing cancels:

    dL/ds = Σ dL/dq · d / s,    d = q - v where nothing is clipped, q elsewhere

Everything else computes with the scale as with a number. What a scale gives through a bias, rounded in the units of
its layer's sums, is left out: rounding is all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeGuard, cast

import numpy as np

from clika_core.backend.interface import Array, ArrayOps
from clika_core.backend.trainable import LearningArrays
from clika_core.numerics import QuantParams
from clika_core.numerics.native_params import NativeParams
from clika_core.schemes import PerChannel, PerTensor
from clika_core.schemes.named import INT32


def quantized(array: Array, params: QuantParams, arrays: ArrayOps) -> Array:
    """`arrays.quantize`, with a gradient to a learned scale."""
    return learned(arrays.quantize(array, params), params, arrays, lambda: _divided(array, params, arrays))


def learned(codes: Array, params: QuantParams, arrays: ArrayOps, unrounded: Callable[[], Array]) -> Array:
    """The codes; where their scale is learned, with a gradient to it. `unrounded` gives v, in codes."""
    if not _is_learned(params):
        return codes
    return cast(LearningArrays, arrays).learned_codes(codes, params, unrounded)


def multiplied(array: Array, multiplier: Any, axis: int | None, arrays: ArrayOps) -> Array:
    """array · multiplier, without gradients; a native array, without axes or along `axis`."""
    granularity = PerTensor() if axis is None else PerChannel(axis)
    factor = NativeParams(multiplier, np.zeros(multiplier.shape, np.int32), INT32, granularity)
    return arrays.dequantize(cast(LearningArrays, arrays).detached(array), cast(QuantParams, factor))


def _divided(array: Array, params: QuantParams, arrays: ArrayOps) -> Array:
    own = cast(LearningArrays, arrays)
    one = arrays.from_numpy(np.ones((), np.float32), params.scale)
    inverse = replace(cast(Any, params), scale=own.divide(one, params.scale))
    return arrays.dequantize(own.detached(array), inverse)


def _is_learned(params: object) -> TypeGuard[NativeParams]:
    return isinstance(params, NativeParams) and params.learned is not None
