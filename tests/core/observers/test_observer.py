"""What holds for every observer: order and split cannot be seen, and broken data is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from clika_core.errors import DataError, NumericsError
from clika_core.observers import DEFAULT_OBSERVER, OBSERVERS, NumpyArrays, Observer
from clika_core.schemes import QuantScheme, named
from clika_core.schemes.granularity import PerTensor

ARRAYS = NumpyArrays()
FP8 = QuantScheme(named.FP8_E4M3, PerTensor(), is_symmetric=True)
SCHEMES = [
    named.ACTIVATION_UINT8,
    named.ACTIVATION_INT8_SYMMETRIC,
    named.ACTIVATION_UINT8.with_num_bits(4),
    named.ACTIVATION_UINT16,
    FP8,
]
every_observer = pytest.mark.parametrize("name", OBSERVERS)
every_scheme = pytest.mark.parametrize("scheme", SCHEMES, ids=str)
batches = arrays.arrays(
    np.float32,
    st.tuples(st.integers(2, 12), st.integers(1, 8)),
    elements=st.floats(width=32, allow_nan=False, allow_infinity=False) | st.floats(-5, 5, width=32),
)


def observed(name: str, *parts: NDArray[Any]) -> Observer:
    observer = OBSERVERS[name]()
    for index, part in enumerate(parts):
        observer.observe(part, ARRAYS, layer="conv_1", batch=index, num_samples=len(part))
    return observer


def results(observer: Observer) -> list[object]:
    """Everything an observer says, comparable."""
    params = observer.params(named.ACTIVATION_UINT8)
    return [observer.summary(), params, observer.share_of_codes_used(params)]


@every_observer
@settings(max_examples=40)
@given(data=batches, cut=st.integers(1, 11))
def test_the_split_into_batches_and_their_order_cannot_be_seen(
    name: str, data: NDArray[np.float32], cut: int
) -> None:
    cut = min(cut, len(data) - 1)
    whole = results(observed(name, data))
    assert results(observed(name, data[:cut], data[cut:])) == whole
    assert results(observed(name, data[cut:], data[:cut])) == whole
    assert results(observed(name, *data[::-1, None])) == whole


@every_observer
@settings(max_examples=40)
@given(data=batches)
def test_merging_is_observing_everything_in_one_place(name: str, data: NDArray[np.float32]) -> None:
    left, right = observed(name, data[:1]), observed(name, data[1:])
    left.merge(right)
    left.merge(OBSERVERS[name]())
    empty = OBSERVERS[name]()
    empty.merge(left)
    assert results(empty) == results(left) == results(observed(name, data))


@every_observer
@every_scheme
@settings(max_examples=20)
@given(data=batches)
def test_the_range_is_no_wider_than_what_was_seen_and_zero(
    name: str, scheme: QuantScheme, data: NDArray[np.float32]
) -> None:
    chosen = observed(name, data).value_range(scheme)
    assert min(data.min(), 0) <= chosen.min_value <= chosen.max_value <= max(data.max(), 0)


@every_observer
@pytest.mark.parametrize(
    ("broken", "found"), [(np.nan, "1 NaN and 0 infinite"), (-np.inf, "0 NaN and 1 infinite")]
)
def test_broken_data_is_refused_with_layer_and_batch_and_leaves_the_rest(
    name: str, broken: float, found: str
) -> None:
    good = np.float32([[1, 2], [3, -4]])
    observer = observed(name, good)
    bad = good.copy()
    bad[1, 1] = broken
    with pytest.raises(DataError, match=rf"batch 7 .*linear_2(.|\n)*{found} of 4 values"):
        observer.observe(bad, ARRAYS, layer="linear_2", batch=7, num_samples=2)
    assert observer.summary().non_finite == 1
    assert observer.params(named.ACTIVATION_UINT8) == observed(name, good).params(named.ACTIVATION_UINT8)


@every_observer
def test_a_value_never_seen_has_no_parameters(name: str) -> None:
    observer = OBSERVERS[name]()
    with pytest.raises(DataError, match="never seen"):
        observer.params(named.ACTIVATION_UINT8)
    assert observer.summary().to_json() == {
        "samples": 0,
        "min": None,
        "max": None,
        "constant": False,
        "non_finite": 0,
    }


@every_observer
def test_a_range_is_for_the_whole_value_only(name: str) -> None:
    with pytest.raises(NumericsError, match="per channel"):
        observed(name, np.ones((2, 2), np.float32)).params(named.WEIGHT_INT8)


@every_observer
@every_scheme
@pytest.mark.parametrize("value", [0.0, -0.0, 2.5, -1e-30])
def test_a_constant_is_kept_exactly_and_reported(name: str, scheme: QuantScheme, value: float) -> None:
    observer = observed(name, np.full((3, 4), value, np.float32))
    assert (observer.value_range(scheme).min_value, observer.value_range(scheme).max_value) == (
        pytest.approx(value),
        pytest.approx(value),
    )
    assert observer.summary().is_constant
    if value == 0:
        assert (observer.params(scheme).scale, observer.params(scheme).zero_point) == (1, 0)


@every_observer
def test_the_summary_counts_samples_and_keeps_exact_limits(name: str) -> None:
    summary = observed(name, np.float32([[0.1, 5]]), np.float32([[-3.3, 0], [1, 1]])).summary()
    assert summary.to_json() == {
        "samples": 3,
        "min": float(np.float32(-3.3)),
        "max": 5.0,
        "constant": False,
        "non_finite": 0,
    }


@every_observer
@pytest.mark.parametrize("zeros", [[0.0, -0.0], [-0.0, 0.0]])
def test_the_sign_of_zero_cannot_be_seen(name: str, zeros: list[float]) -> None:
    extent = observed(name, *np.float32(zeros)[:, None]).extent
    assert np.signbit([extent.min_value, extent.max_value]).tolist() == [False, False]


def test_observers_of_different_kinds_do_not_merge() -> None:
    with pytest.raises(NumericsError, match="MinMaxObserver and MseObserver"):
        OBSERVERS["min_max"]().merge(OBSERVERS["mse"]())


def test_the_default_is_among_them() -> None:
    assert DEFAULT_OBSERVER == "mse"
    assert DEFAULT_OBSERVER in OBSERVERS


@every_observer
def test_statistics_do_not_grow_with_the_data(name: str) -> None:
    rng = np.random.default_rng(0)
    observer = observed(
        name, *(rng.standard_normal((4, 100)).astype(np.float32) * 10.0**i for i in range(20))
    )
    histogram = getattr(observer, "_histogram", None)
    assert histogram is None or histogram.counts.size <= 4096
