"""Parameters of weights."""

from __future__ import annotations

import numpy as np
import pytest

from clika_core.errors import NumericsError
from clika_core.numerics import dequantize, quantize, weight_params
from clika_core.schemes import CodeRange, Granularity, PerChannel, PerGroup, PerTensor
from clika_core.schemes.named import WEIGHT_INT8

RNG = np.random.default_rng(0)
WEIGHT = (RNG.standard_normal((6, 70, 3)) * np.geomspace(0.01, 10, 6)[:, None, None]).astype(np.float32)


@pytest.mark.parametrize(
    "granularity",
    [PerTensor(), PerChannel(0), PerChannel(-2), PerGroup(1, 32), PerGroup(0, 4), PerGroup(1, 256)],
    ids=str,
)
def test_scales_are_the_largest_magnitude_of_those_who_share_them(granularity: Granularity) -> None:
    params = weight_params(WEIGHT, WEIGHT_INT8.with_granularity(granularity))
    assert params.scale.shape == granularity.scale_shape(WEIGHT.shape)
    codes = quantize(WEIGHT, params)
    assert np.abs(codes).max() == 127  # narrow: -128 is not used
    error = np.abs(dequantize(codes, params) - WEIGHT)
    assert error.max() <= 0.5000001 * params.scale.max()


def test_blocks_are_consecutive_elements_along_the_axis() -> None:
    params = weight_params(WEIGHT, WEIGHT_INT8.with_granularity(PerGroup(1, 32)))
    for group in range(3):
        block = np.abs(WEIGHT[:, 32 * group : 32 * group + 32]).max(axis=1)
        assert np.array_equal(params.scale[:, group], (block.astype(np.float64) / 127).astype(np.float32))


def test_the_half_range_uses_64_codes_either_side() -> None:
    codes = quantize(WEIGHT, weight_params(WEIGHT, WEIGHT_INT8.with_code_range(CodeRange.HALF)))
    assert np.abs(codes).max(axis=(1, 2)).tolist() == [64] * 6


def test_a_channel_of_zeros_has_scale_1() -> None:
    weight = WEIGHT.copy()
    weight[2] = 0
    assert weight_params(weight, WEIGHT_INT8).scale[2] == 1


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_a_broken_weight_is_refused(broken: float) -> None:
    weight = WEIGHT.copy()
    weight[1, 2, 0] = broken
    with pytest.raises(NumericsError, match="1 non-finite of 1260 values"):
        weight_params(weight, WEIGHT_INT8)


def test_an_empty_weight_is_refused() -> None:
    with pytest.raises(NumericsError, match="of 0 values"):
        weight_params(np.zeros((0, 3), np.float32), WEIGHT_INT8)
