"""Multipliers in fixed point round twice: compared with the same in integers of 64 bits."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from clika_core.numerics import QuantParams
from clika_core.schemes import PerTensor
from clika_core.schemes.named import ACTIVATION_INT8
from clika_core.simulation.fixed_point import WIDE, rounded_twice, shifts_of
from clika_loopback.arrays import LoopbackArrays

Integers = NDArray[np.int64]
ACCUMULATORS = np.arange(-1000, 1000)
MULTIPLIERS = np.array([0.00413371, 0.0371931, 0.3137219, 0.5318743, 0.8178485, 1.4127716])


def in_integers(accumulators: Integers, multiplier: float, *, is_upwards: bool) -> Integers:
    """A multiplier of 31 bits, then a shift by the rest; sums are floored by `>>`."""
    fraction, exponent = np.frexp(multiplier)
    mantissa, shift = int(np.rint(fraction * 2**31)), max(-int(exponent), 0)
    product = (accumulators << max(int(exponent), 0)) * mantissa
    first = (np.abs(product) + (1 << 30)) >> 31
    first = np.where(product < 0, -first, first)
    half = (1 << shift) >> 1
    if is_upwards:
        return np.asarray((first + half) >> shift)
    return np.asarray(np.sign(first) * ((np.abs(first) + half) >> shift))


@pytest.mark.parametrize("multiplier", MULTIPLIERS)
def test_integers_come_out_as_in_fixed_point(multiplier: float) -> None:
    given = np.asarray(multiplier, np.float32)
    integers = np.arange(-int(300 / multiplier), int(300 / multiplier))
    shifts = shifts_of(np.float64(given))
    found = rounded_twice(integers.astype(np.float32), given, shifts, None, WIDE, LoopbackArrays())
    expected = in_integers(integers, float(given), is_upwards=False)
    assert np.mean(np.asarray(found) != expected) < 1e-4, "float32 holds 24 bits of the product"
    if multiplier < 0.1:
        assert np.mean(np.rint(integers * float(given)) != expected) > 1e-3


def test_channels_have_multipliers_and_ties_of_their_own_and_codes_saturate() -> None:
    accumulators = np.stack([ACCUMULATORS] * len(MULTIPLIERS), axis=1).astype(np.float32)
    multiplier = MULTIPLIERS.astype(np.float32)
    shifts = shifts_of(multiplier.astype(np.float64))
    output = QuantParams(np.asarray(0.1), np.asarray(5), ACTIVATION_INT8.format, PerTensor())
    found = rounded_twice(accumulators, multiplier, shifts, 1, output, LoopbackArrays(), lanes=4)
    expected = [in_integers(ACCUMULATORS, float(m), is_upwards=at < 4) for at, m in enumerate(multiplier)]
    clipped = np.clip(np.stack(expected, axis=1), -128 - 5, 127 - 5)
    assert np.mean(np.asarray(found) != clipped) < 1e-4
