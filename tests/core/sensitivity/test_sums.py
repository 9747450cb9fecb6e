"""From sums of squares to QS: they merge, and what has no finite answer says so."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clika_core.sensitivity.sums import SquaredSums

SUMS = st.builds(SquaredSums, st.floats(0, 1e12), st.floats(0, 1e12))


def test_the_measures_are_those_of_the_definition() -> None:
    found = SquaredSums(error=9.0, reference=144.0).measurement
    assert (found.qs, found.abs_l2) == (0.25, 3.0)
    assert found.sqnr_db == pytest.approx(-20 * math.log10(0.25))


@given(SUMS, SUMS)
def test_merging_adds_in_any_order(one: SquaredSums, other: SquaredSums) -> None:
    assert (
        one.merge(other)
        == other.merge(one)
        == SquaredSums(one.error + other.error, one.reference + other.reference)
    )
    assert one.merge(SquaredSums()) == one


def test_nothing_against_nothing_is_no_error() -> None:
    found = SquaredSums().measurement
    assert (found.qs, found.abs_l2, found.sqnr_db) == (0.0, 0.0, math.inf)


def test_something_against_nothing_is_infinitely_wrong() -> None:
    found = SquaredSums(error=4.0).measurement
    assert (found.qs, found.abs_l2, found.sqnr_db) == (math.inf, 2.0, -math.inf)


@pytest.mark.parametrize(
    "sums", [SquaredSums(math.nan, 1.0), SquaredSums(1.0, math.nan), SquaredSums(1, math.inf)]
)
def test_what_is_not_finite_stays_a_finding(sums: SquaredSums) -> None:
    assert math.isnan(sums.measurement.qs)
    assert math.isnan(sums.measurement.sqnr_db)
