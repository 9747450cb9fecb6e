"""From a range to parameters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clika_core.errors import NumericsError
from clika_core.numerics import MIN_SCALE, QuantParams, params_from_range, quantize
from clika_core.schemes import PerTensor, QuantScheme
from clika_core.schemes.named import (
    ACTIVATION_INT8,
    ACTIVATION_INT8_SYMMETRIC,
    ACTIVATION_UINT8,
    ACTIVATION_UINT16,
    FP8_E4M3,
    WEIGHT_INT8,
)

FP8 = QuantScheme(FP8_E4M3, PerTensor(), is_symmetric=True)
SCHEMES = [ACTIVATION_UINT8, ACTIVATION_UINT16, ACTIVATION_INT8, ACTIVATION_INT8_SYMMETRIC, FP8]


@pytest.mark.parametrize(
    ("scheme", "low", "high", "scale", "zero_point"),
    [
        (ACTIVATION_UINT8, -1.0, 1.55, 2.55 / 255, 100),
        (ACTIVATION_UINT8, 0.0, 6.0, 6 / 255, 0),
        (ACTIVATION_UINT8, 2.0, 5.1, 5.1 / 255, 0),  # stretched to hold 0
        (ACTIVATION_UINT8, -5.1, -2.0, 5.1 / 255, 255),
        (ACTIVATION_INT8, 0.0, 6.0, 6 / 255, -128),
        (ACTIVATION_INT8, -1.0, 1.55, 2.55 / 255, -28),
        (ACTIVATION_INT8_SYMMETRIC, -1.0, 2.54, 0.02, 0),
        (ACTIVATION_INT8_SYMMETRIC, -2.54, 1.0, 0.02, 0),
        (FP8, -4.48, 1.0, 0.01, 0),
    ],
    ids=lambda value: str(value),
)
def test_a_range_gets_the_parameters_of_the_specification(
    scheme: QuantScheme, low: float, high: float, scale: float, zero_point: int
) -> None:
    params = params_from_range(low, high, scheme)
    assert params.scale == np.float32(scale)
    assert params.zero_point == zero_point


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_a_range_of_nothing_but_zero_has_scale_1_and_zero_point_0(scheme: QuantScheme) -> None:
    params = params_from_range(0.0, -0.0, scheme)
    assert (params.scale, params.zero_point) == (1, 0)


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_a_range_below_float32_gets_the_smallest_scale(scheme: QuantScheme) -> None:
    assert params_from_range(-1e-40, 1e-39, scheme).scale == MIN_SCALE


@pytest.mark.parametrize(("low", "high"), [(1.0, 0.0), (np.nan, 1.0), (0.0, np.inf), (-np.inf, 0.0)])
def test_what_is_no_range_is_refused(low: float, high: float) -> None:
    with pytest.raises(NumericsError, match=f"min_value {low}"):
        params_from_range(low, high, ACTIVATION_UINT8)


def test_many_ranges_get_the_parameters_each_would_get() -> None:
    low, high = np.array([-1.0, 0.0, -3.0]), np.array([2.0, 0.0, -1.0])
    together = params_from_range(low, high, WEIGHT_INT8)
    alone = [params_from_range([a], [b], WEIGHT_INT8).scale[0] for a, b in zip(low, high, strict=True)]
    assert together.scale.tolist() == alone


finite = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(finite, finite, st.sampled_from(SCHEMES))
def test_the_range_is_covered_up_to_half_a_step(a: float, b: float, scheme: QuantScheme) -> None:
    low, high = min(a, b), max(a, b)
    params: QuantParams = params_from_range(low, high, scheme)
    step, zero_point = float(params.scale), float(params.zero_point)
    slack = 0.5 * step if not scheme.is_symmetric else 1e-6 * max(-low, high, step)
    assert (scheme.format.quant_min - zero_point) * step <= low + slack * 1.001
    assert (scheme.format.quant_max - zero_point) * step >= high - slack * 1.001
    assert quantize(np.float32([0.0]), params)[0] == params.zero_point
