"""fp8 in float32 arithmetic: rounding to the format's grid, and its bit patterns."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.schemes.formats import FloatFormat


def round_to_grid(values: NDArray[np.float32], format: FloatFormat) -> NDArray[np.float32]:
    """The nearest multiple of the local spacing 2**(exponent - mantissa_bits), ties to even; unsaturated.

    The exponent is the value's own, or the format's smallest. Every step is exact in float32. NaN and
    infinities stay, and so does the sign of zero.
    """
    _, exponent = np.frexp(values)  # values = fraction · 2**exponent with 0.5 <= |fraction| < 1
    spacing_exponent = np.maximum(exponent - 1, format.min_exponent) - format.mantissa_bits
    spacing = np.ldexp(np.float32(1), spacing_exponent)
    with np.errstate(over="ignore"):
        return np.asarray(np.rint(values / spacing) * spacing)


def encode(grid_values: NDArray[np.float32], format: FloatFormat) -> NDArray[np.uint8]:
    """The bit patterns of values that are finite values of the format."""
    positive = _values_by_code(format)[: (format.num_codes + 1) // 2]
    magnitude = np.searchsorted(positive, np.abs(grid_values)).astype(np.uint8)
    return np.asarray(magnitude | (np.signbit(grid_values).astype(np.uint8) << np.uint8(7)))


def decode(codes: NDArray[Any], format: FloatFormat) -> NDArray[np.float32]:
    """The values of bit patterns, NaN and infinities included."""
    return np.asarray(_values_by_code(format)[codes])


@cache
def _values_by_code(format: FloatFormat) -> NDArray[np.float32]:
    """float32 [256]: the value of each bit pattern; 0, 1, 2, ... are the positive values, ascending."""
    code = np.arange(128)
    exponent, mantissa = code >> format.mantissa_bits, code & ((1 << format.mantissa_bits) - 1)
    is_normal = exponent > 0
    power = np.where(is_normal, exponent - format.exponent_bias, format.min_exponent) - format.mantissa_bits
    positive = np.ldexp(mantissa + is_normal * (1 << format.mantissa_bits), power).astype(np.float32)
    special = (format.num_codes + 1) // 2
    positive[special:] = np.nan
    if format.has_infinity:
        positive[special] = np.inf
    table = np.concatenate([positive, -positive])
    table.flags.writeable = False
    return table
