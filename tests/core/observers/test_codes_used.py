"""The share of codes that what was seen can reach."""

from __future__ import annotations

import numpy as np
import pytest

from clika_core.numerics import params_from_range, quantize
from clika_core.observers import OBSERVERS, NumpyArrays
from clika_core.schemes import QuantScheme, named
from clika_core.schemes.granularity import PerTensor

RNG = np.random.default_rng(0)
FP8 = QuantScheme(named.FP8_E5M2, PerTensor(), is_symmetric=True)


def share(name: str, data: np.ndarray, scheme: QuantScheme, low: float, high: float) -> float:
    observer = OBSERVERS[name]()
    observer.observe(data, NumpyArrays(), layer="add_1", batch=0, num_samples=1)
    return observer.share_of_codes_used(params_from_range(low, high, scheme))


@pytest.mark.parametrize("name", ["min_max", "mse"])
def test_a_full_range_uses_all_codes(name: str) -> None:
    data = np.linspace(-1, 2, 10_000, dtype=np.float32)
    assert share(name, data, named.ACTIVATION_UINT8, -1, 2) == 1
    assert share(name, data, named.ACTIVATION_UINT8, -1, 5) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("name", ["min_max", "mse"])
def test_one_sided_values_use_half_of_a_symmetric_range(name: str) -> None:
    data = np.linspace(0, 1, 10_000, dtype=np.float32)
    assert share(name, data, named.ACTIVATION_INT8_SYMMETRIC, 0, 1) == pytest.approx(0.5, abs=0.01)


def test_a_histogram_sees_the_codes_an_outlier_leaves_empty() -> None:
    data = np.append(RNG.random(10_000), 100).astype(np.float32)
    assert share("min_max", data, named.ACTIVATION_UINT8, 0, 100) == 1
    assert share("mse", data, named.ACTIVATION_UINT8, 0, 100) <= 5 / 256


@pytest.mark.parametrize("scheme", [named.ACTIVATION_UINT8, named.ACTIVATION_INT8_SYMMETRIC, FP8], ids=str)
def test_a_histogram_gives_the_share_of_the_codes_of_the_data(scheme: QuantScheme) -> None:
    data = RNG.standard_normal(100_000).astype(np.float32)
    params = params_from_range(-6.0, 6.0, scheme)
    values = quantize(data, params)
    exact = len(np.unique(values)) / params.format.num_codes
    tolerance = 0.02 if scheme is not FP8 else 0.5  # fp8 has codes far finer than bins around 0
    assert exact - 0.01 <= share("mse", data, scheme, -6.0, 6.0) <= exact + tolerance


def test_nothing_seen_uses_nothing() -> None:
    params = params_from_range(0.0, 1.0, named.ACTIVATION_UINT8)
    assert OBSERVERS["mse"]().share_of_codes_used(params) == 0
