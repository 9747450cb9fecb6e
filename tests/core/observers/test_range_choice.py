"""The ranges that mean, percentile, squared error and entropy lead to."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from clika_core.errors import NumericsError
from clika_core.numerics import fake_quantize, sum_of_squares
from clika_core.numerics.ranges import scale_and_zero_point
from clika_core.observers import OBSERVERS, NumpyArrays, Observer, ValueRange
from clika_core.observers.expected_error import expected_squared_error
from clika_core.observers.histogram import Histogram
from clika_core.observers.mse import TOLERANCE
from clika_core.observers.percentile import PercentileObserver
from clika_core.schemes import IntegerFormat, QuantScheme, named
from clika_core.schemes.granularity import PerTensor

ARRAYS = NumpyArrays()
RNG = np.random.default_rng(0)
UINT8, UINT4 = named.ACTIVATION_UINT8, named.ACTIVATION_UINT8.with_num_bits(4)
SYMMETRIC = named.ACTIVATION_INT8_SYMMETRIC
NORMAL = RNG.standard_normal((100, 1000)).astype(np.float32)
DATA = {
    "normal": NORMAL,
    "relu": np.maximum(NORMAL, 0),
    "uniform": RNG.random((100, 1000), np.float32),
    "laplace": RNG.laplace(size=(100, 1000)).astype(np.float32),
    "skewed": np.exp(NORMAL) - 1,
    "outlier": np.append(NORMAL.ravel(), np.float32(60))[None],
}
finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
tame = st.floats(-100, 100, width=32)


def observe(observer: Observer, data: NDArray[np.float32]) -> Observer:
    observer.observe(data, ARRAYS, layer="relu_1", batch=0, num_samples=len(data))
    return observer


def histogram_of(data: NDArray[np.float32]) -> Histogram:
    return Histogram.of(data, ARRAYS, *ARRAYS.min_max(data))


def error_of(histogram: Histogram, chosen: ValueRange, scheme: QuantScheme) -> float:
    assert isinstance(scheme.format, IntegerFormat)
    limits = np.array([chosen.min_value]), np.array([chosen.max_value])
    return float(expected_squared_error(histogram, *scale_and_zero_point(*limits, scheme), scheme.format)[0])


@given(arrays.arrays(np.float32, st.tuples(st.integers(1, 20), st.integers(1, 5)), elements=finite))
def test_means_of_limits_are_exact(data: NDArray[np.float32]) -> None:
    chosen = observe(OBSERVERS["mean_min_max"](), data).value_range(UINT8)
    if data.min() == data.max():
        return
    for limit, values in ((chosen.min_value, data.min(axis=1)), (chosen.max_value, data.max(axis=1))):
        assert limit == float(sum(Fraction(v) for v in values.tolist()) / len(data))


@given(
    arrays.arrays(np.float32, st.tuples(st.just(1), st.integers(2, 500)), elements=tame),
    st.floats(50.5, 100),
)
def test_a_percentile_leaves_out_at_most_its_share_on_either_side(
    data: NDArray[np.float32], percentile: float
) -> None:
    chosen = observe(PercentileObserver(percentile), data).value_range(UINT8)
    allowed = data.size * (1 - percentile / 100) + 1e-6
    assert np.count_nonzero(data > chosen.max_value) <= allowed
    assert np.count_nonzero(data < chosen.min_value) <= allowed


def test_a_percentile_is_as_narrow_as_its_bins_allow() -> None:
    chosen = observe(PercentileObserver(99), NORMAL).value_range(UINT8)
    assert chosen.max_value == pytest.approx(np.quantile(NORMAL, 0.99), abs=0.004)
    assert chosen.min_value == pytest.approx(np.quantile(NORMAL, 0.01), abs=0.004)


def test_a_percentile_leaves_out_all_it_may_on_both_sides() -> None:
    data = np.arange(-50, 50, dtype=np.float32)[None]
    chosen = observe(PercentileObserver(99), data).value_range(UINT8)
    assert (chosen.min_value, chosen.max_value) == (-49, pytest.approx(48, abs=0.1))


@pytest.mark.parametrize("percentile", [50.0, 0.0, 101.0, float("nan")])
def test_a_percentile_that_leaves_nothing_is_refused(percentile: float) -> None:
    with pytest.raises(NumericsError, match=str(percentile)):
        PercentileObserver(percentile)


@pytest.mark.parametrize("scheme", [UINT8, UINT4, SYMMETRIC], ids=str)
@pytest.mark.parametrize("share", [1.0, 0.6, 0.1])
@pytest.mark.parametrize("name", DATA)
def test_the_expected_error_is_the_error_made_on_the_data(
    name: str, share: float, scheme: QuantScheme
) -> None:
    data = DATA[name]
    observer = observe(OBSERVERS["min_max"](), data * np.float32(share))
    params = observer.params(scheme)
    made = sum_of_squares(fake_quantize(data, params), data)
    assert isinstance(scheme.format, IntegerFormat)
    scale, zero_point = params.scale[None], params.zero_point[None]
    expected = expected_squared_error(histogram_of(data), scale, zero_point, scheme.format)[0]
    assert expected == pytest.approx(made, rel=0.06)  # a relu's zeros count as spread over their bin


def test_the_expected_error_of_spread_values_is_an_exact_integral() -> None:
    one_bin = Histogram(0.25, 0.375, np.array([8]))
    steps = np.array([1.0, 0.5, 0.1, 0.004], np.float32)
    expected = expected_squared_error(one_bin, steps, np.zeros(4, np.int32), named.UINT8)
    spread = np.linspace(0.25, 0.375, 200_001)
    for step, error in zip(steps.astype(np.float64), expected, strict=True):
        rounded = np.rint(spread / step).clip(0, 255) * step
        assert error == pytest.approx(8 * np.mean((spread - rounded) ** 2), rel=1e-4)


def test_values_at_their_own_upper_limit_make_no_error() -> None:
    clipped = histogram_of(np.float32([0, 6, 6, 6]))
    scale, zero_point = scale_and_zero_point(np.zeros(1), np.full(1, 6.0), UINT8)
    assert expected_squared_error(clipped, scale, zero_point, named.UINT8)[0] < 1e-5


@given(
    arrays.arrays(np.float32, st.tuples(st.just(1), st.integers(2, 100)), elements=tame),
    st.sampled_from([UINT8, UINT4, SYMMETRIC, SYMMETRIC.with_num_bits(3), named.ACTIVATION_UINT16]),
)
def test_least_error_is_never_worse_than_the_full_range(
    data: NDArray[np.float32], scheme: QuantScheme
) -> None:
    chosen = observe(OBSERVERS["mse"](), data).value_range(scheme)
    if data.min() == data.max():
        return
    histogram = histogram_of(data)
    full = ValueRange(float(min(data.min(), 0)), float(max(data.max(), 0)))
    assert error_of(histogram, chosen, scheme) <= error_of(histogram, full, scheme) * (1 + 1e-9)


@pytest.mark.parametrize("scheme", [UINT8, UINT4, SYMMETRIC], ids=str)
@pytest.mark.parametrize("name", DATA)
def test_least_error_is_within_its_tolerance_of_an_exhaustive_search(name: str, scheme: QuantScheme) -> None:
    data = DATA[name]
    histogram = histogram_of(data)
    chosen = observe(OBSERVERS["mse"](), data).value_range(scheme)
    shares = np.geomspace(1, 1 / 64, 60)
    low, high = np.meshgrid(shares * min(histogram.min_value, 0), shares * max(histogram.max_value, 0))
    scale, zero_point = scale_and_zero_point(low.ravel(), high.ravel(), scheme)
    assert isinstance(scheme.format, IntegerFormat)
    errors = [
        expected_squared_error(histogram, scale[i : i + 60], zero_point[i : i + 60], scheme.format).min()
        for i in range(0, scale.size, 60)
    ]
    assert error_of(histogram, chosen, scheme) <= min(errors) * (1 + TOLERANCE) * 1.02


def test_least_error_clips_an_outlier_where_codes_are_few_and_keeps_what_costs_little() -> None:
    outlier = observe(OBSERVERS["mse"](), DATA["outlier"])
    assert outlier.value_range(UINT4).max_value < 30
    assert outlier.value_range(named.ACTIVATION_UINT16).max_value == 60
    assert observe(OBSERVERS["mse"](), DATA["uniform"]).value_range(UINT8).max_value == DATA["uniform"].max()


def test_the_two_ends_are_chosen_independently() -> None:
    data = np.append(np.abs(NORMAL.ravel()), np.float32(-40))[None]
    chosen = observe(OBSERVERS["mse"](), data).value_range(UINT4)
    assert chosen.min_value > -10
    assert chosen.max_value > 2


@pytest.mark.parametrize("name", ["min_max", "mse"])
def test_fp8_keeps_the_full_range(name: str) -> None:
    fp8 = QuantScheme(named.FP8_E4M3, PerTensor(), is_symmetric=True)
    chosen = observe(OBSERVERS[name](), DATA["outlier"]).value_range(fp8)
    assert chosen == ValueRange(float(NORMAL.min()), 60.0)


@pytest.mark.parametrize("scheme", [UINT8, UINT4, SYMMETRIC], ids=str)
@pytest.mark.parametrize("name", DATA)
def test_entropy_clips_at_most_one_percent(name: str, scheme: QuantScheme) -> None:
    data = DATA[name]
    chosen = observe(OBSERVERS["entropy"](), data).value_range(scheme)
    clipped = np.count_nonzero((data < chosen.min_value) | (data > chosen.max_value))
    assert clipped <= 0.01 * data.size + 1


def test_entropy_clips_long_tails_and_keeps_a_uniform_range() -> None:
    assert (
        observe(OBSERVERS["entropy"](), DATA["laplace"]).value_range(UINT4).max_value
        < DATA["laplace"].max() / 1.3
    )
    uniform = observe(OBSERVERS["entropy"](), DATA["uniform"]).value_range(UINT4)
    assert uniform.max_value == DATA["uniform"].max()


def test_entropy_is_not_misled_by_the_zeros_behind_a_relu() -> None:
    with_zeros = observe(OBSERVERS["entropy"](), DATA["relu"]).value_range(UINT8)
    assert with_zeros.max_value > 3


def test_entropy_of_two_peaks_keeps_both() -> None:
    peaks = np.concatenate([RNG.normal(0.02, 0.01, 300), RNG.normal(0.98, 0.005, 40)]).clip(0, 1)
    assert observe(OBSERVERS["entropy"](), peaks.astype(np.float32)[None]).value_range(UINT8).max_value > 0.97
