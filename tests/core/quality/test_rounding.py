"""Adaptive codes lie beside the weight and never err more than the nearest ones by their own measure."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from clika_core.quality.rounding import MAX_SIZE, adaptive_codes, output_error, rounded, second_moments

LIMITS = (-127.0, 127.0)


def case(
    seed: int, groups: int, outputs: int, size: int, rank: int, spread: float = 50
) -> tuple[np.ndarray, np.ndarray]:
    """Ratios w / s, of a spread of 50 some beyond the limits, and moments of correlated inputs of that rank."""
    random = np.random.default_rng(seed)
    ratios = random.standard_normal((groups, outputs, size)) * spread
    mixed = random.standard_normal((groups, 40, rank)) @ random.standard_normal((groups, rank, size))
    return ratios, second_moments(mixed.astype(np.float32))


cases = st.builds(
    case, st.integers(0, 2**16), st.integers(1, 3), st.integers(1, 5), st.integers(1, 150), st.integers(1, 6)
)


@settings(deadline=None, max_examples=60)
@given(cases)
def test_every_code_is_the_floor_or_the_ceiling_within_the_limits(
    given_: tuple[np.ndarray, np.ndarray],
) -> None:
    ratios, moments = given_
    codes = adaptive_codes(ratios, moments, *LIMITS).codes
    low, high = (np.clip(side(ratios), *LIMITS) for side in (np.floor, np.ceil))
    assert np.all((codes == low) | (codes == high))


@settings(deadline=None, max_examples=60)
@given(cases)
def test_no_channel_errs_more_than_with_the_nearest_codes(given_: tuple[np.ndarray, np.ndarray]) -> None:
    ratios, moments = given_
    nearest = np.clip(np.rint(ratios), *LIMITS)
    after = output_error(adaptive_codes(ratios, moments, *LIMITS).codes - ratios, moments)
    assert np.all(after <= output_error(nearest - ratios, moments))


def test_uncorrelated_inputs_leave_nothing_to_choose() -> None:
    ratios = np.random.default_rng(0).standard_normal((1, 4, 9)) * 50
    codes = adaptive_codes(ratios, np.eye(9)[None] * 3, *LIMITS).codes
    np.testing.assert_array_equal(codes, np.rint(ratios))


def test_correlated_inputs_lose_much_less() -> None:
    ratios, moments = case(1, 1, 16, 64, 4, 20)
    nearest = output_error(np.clip(np.rint(ratios), *LIMITS) - ratios, moments).sum()
    assert (
        output_error(adaptive_codes(ratios, moments, *LIMITS).codes - ratios, moments).sum() < 0.2 * nearest
    )


def test_small_cases_come_near_to_the_best_of_all_codes() -> None:
    """Against every choice of floors and ceilings of six weights, on average over cases."""
    found, best = [], []
    for seed in range(20):
        ratios, moments = case(seed, 1, 1, 6, 2, 5)
        all_codes = np.array([np.floor(ratios[0, 0]) + up for up in product((0, 1), repeat=6)])
        errors = output_error(all_codes[None] - ratios, moments)
        nearest = output_error(np.rint(ratios) - ratios, moments)
        after = output_error(adaptive_codes(ratios, moments, *LIMITS).codes - ratios, moments)
        found.append(float(after[0, 0] / nearest[0, 0]))
        best.append(float(errors.min() / nearest[0, 0]))
    assert np.mean(best) <= np.mean(found) < 0.5


def test_inputs_that_are_always_zero_are_rounded_to_nearest() -> None:
    ratios = np.random.default_rng(0).standard_normal((2, 3, 5)) * 50
    np.testing.assert_array_equal(adaptive_codes(ratios, np.zeros((2, 5, 5)), *LIMITS).codes, np.rint(ratios))


def test_second_moments_are_means_of_products() -> None:
    rows = np.random.default_rng(0).standard_normal((2, 30, 4)).astype(np.float32)
    wanted = np.mean(rows[:, :, :, None].astype(np.float64) * rows[:, :, None, :], axis=1)
    np.testing.assert_allclose(second_moments(rows), wanted, rtol=1e-5, atol=1e-6)


def test_a_long_row_is_rounded_in_parts_that_do_not_touch_one_another() -> None:
    random = np.random.default_rng(0)
    size = MAX_SIZE + 2
    ratios = random.standard_normal((2, 3, size)) * 50
    rows = random.standard_normal((2, 40, size)).astype(np.float32)
    found = rounded(ratios, rows, *LIMITS)
    halves = [
        adaptive_codes(ratios[:, :, half], second_moments(rows[:, :, half]), *LIMITS)
        for half in (slice(size // 2), slice(size // 2, None))
    ]
    np.testing.assert_array_equal(found.codes, np.concatenate([half.codes for half in halves], axis=2))
    np.testing.assert_allclose(found.after, sum(half.after for half in halves))
    assert np.all(found.after < found.before)
