"""Multiplication in fixed point, as the kernels of LiteRT that no delegate takes do it: rounded twice.

    first  = rint(acc · m · 2^k)                 k such that m · 2^k is in [1/2, 1), and 0 for m >= 1/2
    result = first / 2^k, rounded; ties away from zero, or up where a kernel has several channels at once

Jacob et al. 2018, arXiv:1712.05877, section 2.2. Rounding once instead differs in one or two of 1,000 codes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Array, ArrayOps
from clika_core.numerics import QuantParams
from clika_core.schemes import PerTensor
from clika_core.schemes.named import INT32

WIDE = QuantParams(np.asarray(1, np.float32), np.asarray(0, np.int32), INT32, PerTensor())
"""Integers as they are."""


def shifts_of(multiplier: NDArray[np.float64] | np.float64) -> NDArray[np.int32]:
    """k of the equations, for every multiplier."""
    return np.asarray(np.maximum(-np.frexp(multiplier)[1], 0), np.int32)


def rounded_twice(
    accumulator: Array,
    multiplier: Any,
    shifts: NDArray[np.int32],
    axis: int | None,
    output: QuantParams,
    arrays: ArrayOps,
    lanes: int | None = None,
) -> Array:
    """Centred codes of `output`; `multiplier`, float32, and `shifts` are single, or one for each entry of `axis`.

    A quarter more than `first` moves a tie, and nothing else to another integer: up in whole blocks of `lanes`
    entries of `axis`, away from zero in the rest.
    """
    raised = arrays.rescale(accumulator, _raised(multiplier, shifts, accumulator, arrays), axis, WIDE)
    first = arrays.cast(raised, "float32")
    away = arrays.clip(first, -1.0, 1.0)
    moved = first + 0.25 * (
        away if axis is None or lanes is None else _towards(first, away, axis, lanes, arrays)
    )
    lowered = np.asarray(np.ldexp(np.float32(1), -shifts), np.float32)
    return arrays.cast(arrays.rescale(moved, lowered, axis, output), "float32")


def _towards(first: Array, away: Array, axis: int, lanes: int, arrays: ArrayOps) -> Array:
    """1 for entries in whole blocks, what `away` says for the rest."""
    rank, size = len(first.shape), int(first.shape[axis])
    is_up = np.asarray(np.arange(size) < size - size % lanes, np.float32)
    up = arrays.from_numpy(is_up.reshape([size if a == axis % rank else 1 for a in range(rank)]), first)
    return up + (1.0 - up) * away


def _raised(multiplier: Any, shifts: NDArray[np.int32], like: Array, arrays: ArrayOps) -> Any:
    powers = np.asarray(np.ldexp(np.float32(1), shifts), np.float32)
    if isinstance(multiplier, np.ndarray | np.generic):
        return np.multiply(multiplier, powers, dtype=np.float32)
    return multiplier * arrays.from_numpy(powers, like)
