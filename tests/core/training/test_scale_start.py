"""Where learned scales of weights begin: at LSQ's start or the calibrated range, whichever is finer."""

from __future__ import annotations

import numpy as np
import pytest

from clika_core.numerics import QuantParams
from clika_core.numerics.distance import sum_of_squares
from clika_core.numerics.quantize import fake_quantize
from clika_core.numerics.weights import weight_params
from clika_core.schemes.granularity import Granularity, PerChannel, PerTensor
from clika_core.schemes.integer_format import CodeRange, IntegerFormat
from clika_core.schemes.scheme import QuantScheme
from clika_core.training.scale_start import started

WEIGHT = np.random.default_rng(0).standard_normal((6, 8, 3, 3)).astype(np.float32)


def calibrated(bits: int, granularity: Granularity) -> QuantParams:
    """The range that holds every weight."""
    form = IntegerFormat(bits, is_signed=True, code_range=CodeRange.NARROW)
    return weight_params(WEIGHT, QuantScheme(form, granularity, is_symmetric=True))


@pytest.mark.parametrize("granularity", [PerTensor(), PerChannel(0), PerChannel(1)])
def test_two_bits_begin_where_lsq_says(granularity: Granularity) -> None:
    found = started(WEIGHT, calibrated(2, granularity))
    axes = tuple(axis for axis in range(4) if granularity == PerTensor() or axis != granularity.axis)  # type: ignore[union-attr]
    np.testing.assert_allclose(found.scale, 2 * np.abs(WEIGHT).mean(axis=axes), rtol=1e-6)


def test_many_bits_begin_with_the_calibrated_range() -> None:
    params = calibrated(8, PerChannel(0))
    assert started(WEIGHT, params) == params


def test_the_start_is_nearer_to_the_weights_than_the_range_is() -> None:
    params = calibrated(2, PerChannel(0))
    errors = [sum_of_squares(fake_quantize(WEIGHT, p), WEIGHT) for p in (params, started(WEIGHT, params))]
    assert errors[1] < 0.6 * errors[0]


def test_a_channel_of_zeros_keeps_a_usable_scale() -> None:
    zeros = np.zeros((2, 3), np.float32)
    params = QuantParams(
        np.ones(2, np.float32), np.zeros(2, np.int32), IntegerFormat(2, is_signed=True), PerChannel(0)
    )
    assert np.all(started(zeros, params).scale > 0)
