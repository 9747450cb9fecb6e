"""The probe inputs hold what they promise: otherwise the comparisons with runtimes prove little."""

from __future__ import annotations

import numpy as np
import pytest

from clika_core.numerics import QuantParams, fp8
from clika_core.numerics.probes import probe_values
from clika_core.schemes import PerTensor
from clika_core.schemes.named import FP8_E4M3, INT8

PARAMS = QuantParams(np.float32(0.0371), np.int32(5), INT8, PerTensor())
VALUES = probe_values(PARAMS, 50_000)


@pytest.mark.parametrize("neighbour", [-2, -1, 0, 1, 2])
def test_every_tie_and_its_neighbours_are_there(neighbour: int) -> None:
    ties = ((np.arange(-134, 123) + 0.5) * float(PARAMS.scale)).astype(np.float32)
    for _ in range(abs(neighbour)):
        ties = np.nextafter(ties, np.float32(np.copysign(np.inf, neighbour)))
    assert np.isin(ties, VALUES).all()


def test_every_exponent_of_float32_is_there_with_both_signs() -> None:
    nonzero = VALUES[np.isfinite(VALUES) & (VALUES != 0)]
    for sign in (-1, 1):
        _, exponent = np.frexp(nonzero[np.sign(nonzero) == sign])
        assert set(range(-148, 129)) <= set(exponent.tolist())


def test_both_zeros_and_infinities_are_there_and_no_nan() -> None:
    zeros = VALUES[VALUES == 0]
    assert set(np.signbit(zeros).tolist()) == {True, False}
    assert {np.inf, -np.inf} <= set(VALUES[np.isinf(VALUES)].tolist())
    assert not np.isnan(VALUES).any()


def test_there_are_at_least_as_many_as_asked_for_and_always_the_same() -> None:
    assert VALUES.size >= 50_000
    assert np.array_equal(VALUES, probe_values(PARAMS, 50_000))


def test_ties_of_fp8_lie_between_neighbouring_values() -> None:
    params = QuantParams(np.float32(1), np.int32(0), FP8_E4M3, PerTensor())
    grid = fp8.decode(np.arange(127), FP8_E4M3)
    assert np.isin((grid[1:] + grid[:-1]) / 2, probe_values(params, 0)).all()
