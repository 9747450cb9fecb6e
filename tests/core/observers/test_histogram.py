"""Histograms: exact counts, the smallest exponent, and merging that cannot be seen in the result."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from clika_core.observers import NumpyArrays
from clika_core.observers.histogram import MAX_BINS, Histogram, bin_exponent, bin_number

ARRAYS = NumpyArrays()
finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
close = st.floats(-4, 4, width=32) | st.floats(0.9990234375, 1, width=32)
samples = arrays.arrays(np.float32, st.integers(1, 60), elements=finite) | arrays.arrays(
    np.float32, st.integers(1, 60), elements=close
)


def histogram_of(values: NDArray[np.float32]) -> Histogram:
    return Histogram.of(values, ARRAYS, *ARRAYS.min_max(values))


def contents(histogram: Histogram) -> tuple[object, ...]:
    """Everything a histogram says, comparable."""
    limits = (histogram.min_value, histogram.max_value)
    return (*limits, histogram.exponent, histogram.first_bin, histogram.counts.tolist())


@given(samples)
def test_every_value_is_counted_in_the_bin_that_exact_arithmetic_gives_it(
    values: NDArray[np.float32],
) -> None:
    histogram = histogram_of(values)
    expected = np.zeros(histogram.counts.size, np.int64)
    for value in values.tolist():
        expected[bin_number(value, histogram.exponent) - histogram.first_bin] += 1
    assert histogram.counts.tolist() == expected.tolist()
    assert histogram.counts.size <= MAX_BINS


@given(samples)
def test_the_exponent_is_the_smallest_that_needs_at_most_4096_bins(values: NDArray[np.float32]) -> None:
    low, high = ARRAYS.min_max(values)
    exponent = bin_exponent(low, high)
    needed = bin_number(high, exponent - 1) - bin_number(low, exponent - 1) + 1
    is_limited = exponent == -126 or max(abs(low), abs(high)) >= 2.0 ** (exponent + 23)
    assert needed > MAX_BINS or is_limited


@given(finite, finite, finite)
def test_a_wider_extent_never_has_finer_bins(a: float, b: float, c: float) -> None:
    assert bin_exponent(min(a, b, c), max(a, b, c)) >= bin_exponent(min(a, b), max(a, b))


@given(st.lists(samples, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_merging_parts_in_any_order_gives_the_histogram_of_the_whole(
    parts: list[NDArray[np.float32]], random: st.DataObject
) -> None:
    whole = contents(histogram_of(np.concatenate(parts)))
    random.shuffle(parts)  # type: ignore[attr-defined]
    assert contents(reduce(Histogram.merge, map(histogram_of, parts))) == whole


@given(samples, samples, samples)
def test_merging_is_associative_and_commutative(
    a: NDArray[np.float32], b: NDArray[np.float32], c: NDArray[np.float32]
) -> None:
    x, y, z = histogram_of(a), histogram_of(b), histogram_of(c)
    assert contents(x.merge(y)) == contents(y.merge(x))
    assert contents(x.merge(y).merge(z)) == contents(x.merge(y.merge(z)))


def test_a_tiny_negative_beside_a_huge_value_stays_below_zero() -> None:
    values = np.float32([-(2.0**-149), -1e-20, 3e38])
    parts = [histogram_of(values[i : i + 1]) for i in range(3)]
    assert contents(reduce(Histogram.merge, parts)) == contents(histogram_of(values))
    assert histogram_of(values).counts[0] == 2


@pytest.mark.parametrize("value", [0.0, -0.0, 1.0, -7.25, 2.0**-149, 3.4e38])
def test_a_constant_needs_one_bin(value: float) -> None:
    histogram = histogram_of(np.full(10, value, np.float32))
    assert histogram.counts.tolist() == [10]


def test_counts_do_not_overflow_and_edges_hold_the_exact_limits() -> None:
    histogram = histogram_of(np.float32([-1.3, 0.0, 2.7]))
    for _ in range(33):
        histogram = histogram.merge(histogram)
    assert int(histogram.counts.sum()) == 3 * 2**33
    assert histogram.edges[[0, -1]].tolist() == np.float32([-1.3, 2.7]).tolist()
    assert np.all(np.diff(histogram.edges) >= 0)
    assert histogram.edges.size == histogram.counts.size + 1
