"""Relative error and its decibels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from clika_core.numerics import relative_l2, sqnr_db, sum_of_squares


def test_squares_and_differences_are_summed_in_float64() -> None:
    large = np.full(1000, 1e30, np.float32)
    assert sum_of_squares(large) == pytest.approx(1000 * float(np.float32(1e30)) ** 2)
    fine = np.float32([1.0])
    assert sum_of_squares(fine, np.float32([1 + 2**-23])) == 2.0**-46


def test_sums_of_batches_add_up() -> None:
    x = np.random.default_rng(0).standard_normal(10_000).astype(np.float32)
    assert sum_of_squares(x[:3000]) + sum_of_squares(x[3000:]) == pytest.approx(sum_of_squares(x), rel=1e-14)


@pytest.mark.parametrize(
    ("error", "reference", "relative", "decibels"),
    [
        (0.01, 100.0, 0.01, 40.0),
        (0.0, 1.0, 0.0, math.inf),
        (0.0, 0.0, 0.0, math.inf),
        (1.0, 0.0, math.inf, -math.inf),
        (math.inf, 1.0, math.inf, -math.inf),
        (4.0, 1.0, 2.0, -20 * math.log10(2)),
    ],
)
def test_the_edges_have_the_values_of_the_specification(
    error: float, reference: float, relative: float, decibels: float
) -> None:
    assert relative_l2(error, reference) == pytest.approx(relative)
    assert sqnr_db(relative_l2(error, reference)) == pytest.approx(decibels)


@pytest.mark.parametrize(
    ("error", "reference"), [(math.nan, 1.0), (1.0, math.nan), (math.inf, math.inf), (0.0, math.inf)]
)
def test_what_is_not_a_number_stays_so(error: float, reference: float) -> None:
    assert math.isnan(relative_l2(error, reference))
    assert math.isnan(sqnr_db(relative_l2(error, reference)))
