"""Gains leave products as they are, and make them survive rounding where a few channels are large."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from clika_core.quality.gains import ALPHAS, Balance, Ranges, Reader, divided, products, rounding_error
from clika_core.schemes.named import ACTIVATION_UINT8, WEIGHT_INT8
from tests.core.quality.encoders import rows_of

SEEDS = st.integers(0, 2**16)


def readers(seed: int, channels: int, count: int = 2) -> list[Reader]:
    random = np.random.default_rng(seed)
    weights = [random.standard_normal((9, channels)).astype(np.float32) for _ in range(count)]
    return [Reader(weight, WEIGHT_INT8) for weight in weights]


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.integers(1, 20), st.sampled_from(ALPHAS), st.floats(0.01, 1000))
def test_products_stay_what_they_are_within_rounding(
    seed: int, channels: int, alpha: float, outlier: float
) -> None:
    rows, given_ = rows_of(seed, channels, 30, outlier), readers(seed, channels)
    found = Balance.of(Ranges.of(rows, given_), alpha, ACTIVATION_UINT8)
    assert np.all(found.gains > 0)
    for reader in given_:
        ours = (rows * found.gains).astype(np.float64) @ divided(reader.weight, found.gains).T
        bound = np.abs(rows).astype(np.float64) @ np.abs(reader.weight).T
        assert np.all(np.abs(ours - rows.astype(np.float64) @ reader.weight.T) <= 2.0**-21 * bound)


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.integers(2, 20))
def test_with_alpha_1_all_channels_have_one_range(seed: int, channels: int) -> None:
    rows = rows_of(seed, channels, 50, 100)
    gains = Balance.of(Ranges.of(rows, readers(seed, channels)), 1.0, ACTIVATION_UINT8).gains
    np.testing.assert_allclose(
        np.abs(rows * gains).max(axis=0), np.abs(rows[:, 0] * gains[0]).max(), rtol=1e-5
    )


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.integers(4, 20), st.floats(50, 5000))
def test_a_large_channel_costs_less(seed: int, channels: int, outlier: float) -> None:
    rows, given_ = rows_of(seed, channels, 200, outlier), readers(seed, channels)
    low, high, wanted = float(rows.min()), float(rows.max()), products(rows, given_)
    from clika_core.numerics import params_from_range

    plain = rounding_error(rows, given_, params_from_range(low, high, ACTIVATION_UINT8), wanted)
    best = min(
        Balance.of(Ranges.of(rows, given_), alpha, ACTIVATION_UINT8).error(rows, given_, wanted)
        for alpha in ALPHAS
    )
    assert best < plain


def test_the_formula_is_that_of_the_paper() -> None:
    rows = np.array([[1, -4, 0.5], [-2, 3, 0.25]], np.float32)
    weight = np.array([[0.5, 1, 2], [-1, 0.25, 4]], np.float32)
    gains = Balance.of(Ranges.of(rows, [Reader(weight, WEIGHT_INT8)]), 0.8, ACTIVATION_UINT8).gains
    wanted = np.array([1, 1, 4]) ** 0.2 / np.array([2, 4, 0.5]) ** 0.8
    np.testing.assert_allclose(gains, wanted / np.exp(np.log(wanted).mean()), rtol=1e-6)


def test_channels_and_columns_of_zeros_do_no_harm() -> None:
    rows, weight = rows_of(0, 5, 40, 10), readers(0, 5)[0].weight.copy()
    rows[:, 1], weight[:, 2] = 0, 0
    for given_ in (rows, np.zeros_like(rows)):
        reader = [Reader(weight, WEIGHT_INT8)]
        found = Balance.of(Ranges.of(given_, reader), 1.0, ACTIVATION_UINT8)
        assert np.isfinite(found.gains).all()
        assert np.isfinite(found.error(given_, reader, products(given_, reader)))
