"""The reductions in NumPy: any dtype, any layout."""

from __future__ import annotations

import math

import numpy as np
import pytest

from clika_core.observers import NumpyArrays

ARRAYS = NumpyArrays()
X = np.random.default_rng(0).standard_normal((5, 300, 211)).astype(np.float32)


def test_an_array_over_many_chunks_is_counted_whole() -> None:
    counts = ARRAYS.histogram(X, -5, -200, 400)
    expected = np.bincount(np.floor(X.astype(np.float64) * 32).astype(int).ravel() + 200, minlength=400)
    assert np.array_equal(counts, expected)
    assert counts.dtype == np.int64


@pytest.mark.parametrize(
    "view", [X.transpose(2, 0, 1), X[::-1, ::3, ::-2], X[1:2].T], ids=["t", "strided", "slice"]
)
def test_the_layout_does_not_matter(view: np.ndarray) -> None:
    copy = np.ascontiguousarray(view)
    assert np.array_equal(ARRAYS.histogram(view, -5, -200, 400), ARRAYS.histogram(copy, -5, -200, 400))
    assert ARRAYS.min_max(view) == ARRAYS.min_max(copy)


@pytest.mark.parametrize("dtype", ["float16", "float64", "bfloat16"])
def test_the_float32_value_of_each_element_counts(dtype: str) -> None:
    kind = np.dtype(pytest.importorskip("ml_dtypes").bfloat16) if dtype == "bfloat16" else np.dtype(dtype)
    other = X.astype(kind)
    same = other.astype(np.float32)
    assert ARRAYS.min_max(other) == ARRAYS.min_max(same)
    assert np.array_equal(ARRAYS.histogram(other, -5, -200, 400), ARRAYS.histogram(same, -5, -200, 400))


def test_limits_of_samples_are_those_of_each_entry_of_axis_0() -> None:
    low, high = ARRAYS.min_max_per_sample(X)
    assert low.tolist() == [float(sample.min()) for sample in X]
    assert high.tolist() == [float(sample.max()) for sample in X]
    assert [bound.tolist() for bound in ARRAYS.min_max_per_sample(np.float32(3))] == [[3], [3]]


def test_nan_is_seen_in_both_limits() -> None:
    assert all(math.isnan(limit) for limit in ARRAYS.min_max(np.float32([1, np.nan, 2])))
