"""Where codes end once their zero point is taken off."""

from __future__ import annotations

import numpy as np
import pytest

from clika_core.errors import NumericsError
from clika_core.numerics import QuantParams
from clika_core.numerics.limits import centred_limits
from clika_core.schemes import PerChannel, PerTensor
from clika_core.schemes.named import FP8_E4M3, INT8, INT32, UINT8


def test_one_zero_point_gives_two_numbers() -> None:
    params = QuantParams(np.float32(0.1), np.int32(7), UINT8, PerTensor())
    assert centred_limits(params, (2, 3)) == (-7.0, 248.0)


def test_zero_points_of_channels_give_arrays_that_broadcast() -> None:
    params = QuantParams(np.float32([0.1, 0.2]), np.int32([0, -5]), INT8, PerChannel(1))
    low, high = centred_limits(params, (3, 2, 4))
    np.testing.assert_array_equal(low, np.float32([-128, -123]).reshape(1, 2, 1))
    np.testing.assert_array_equal(high, np.float32([127, 132]).reshape(1, 2, 1))


def test_the_limits_of_a_bias_are_numbers_whatever_its_granularity() -> None:
    params = QuantParams(np.float32([0.1, 0.2]), np.int32([0, 0]), INT32, PerChannel(0))
    assert centred_limits(params, (2,)) == (-(2.0**31), 2.0**31 - 1)


def test_formats_that_are_not_integers_are_refused() -> None:
    params = QuantParams(np.float32(2), np.int32(0), FP8_E4M3, PerTensor())
    with pytest.raises(NumericsError, match="codes are integers here"):
        centred_limits(params, (2,))
