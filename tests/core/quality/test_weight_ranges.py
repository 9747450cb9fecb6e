"""Weight ranges of the least squared error: never worse than those that hold every weight."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clika_core.numerics import weight_params
from clika_core.pipeline.data import Batches
from clika_core.pipeline.improving import improved
from clika_core.quality.weight_ranges import least_error_params, squared_error
from clika_core.schemes import Granularity, PerChannel, PerGroup, PerTensor
from clika_core.targets.ort import ORT
from tests.core.loopback.networks import batches, image_network
from tests.core.loopback.quantizing import only, quantized, settings_with

SIZES: list[Granularity] = [PerTensor(), PerChannel(0), PerGroup(1, 32)]


@settings(deadline=None, max_examples=50)
@given(
    seed=st.integers(0, 2**16),
    bits=st.integers(2, 8),
    granularity=st.sampled_from(SIZES),
    tail=st.sampled_from([1.0, 3.0]),
)
def test_no_squared_error_rises(seed: int, bits: int, granularity: Granularity, tail: float) -> None:
    normal = np.random.default_rng(seed).standard_normal((6, 64))
    weight = (np.sign(normal) * np.abs(normal) ** tail).astype(np.float32)
    params = weight_params(weight, ORT.weights.with_num_bits(bits).with_granularity(granularity))
    chosen = least_error_params(weight, params)
    assert np.all(squared_error(weight, chosen) <= squared_error(weight, params))
    assert np.all(chosen.scale <= params.scale)


@pytest.mark.parametrize(("bits", "least"), [(2, 0.8), (4, 0.8), (8, 1.0)])
def test_few_bits_gain_most(bits: int, least: float) -> None:
    weight = np.random.default_rng(0).standard_normal((16, 500)).astype(np.float32)
    params = weight_params(weight, ORT.weights.with_num_bits(bits).with_granularity(PerChannel(0)))
    chosen = least_error_params(weight, params)
    assert squared_error(weight, chosen).sum() / squared_error(weight, params).sum() <= least


def test_weights_that_are_all_on_codes_keep_their_scale() -> None:
    weight = np.arange(-127, 128, dtype=np.float32).reshape(1, -1)
    params = weight_params(weight, ORT.weights.with_granularity(PerChannel(0)))
    assert least_error_params(weight, params) == params


def test_a_model_of_four_bit_weights_gets_other_scales_and_the_same_weights() -> None:
    model = image_network(2)
    data = batches(model)
    target, more = ORT.with_simulated_bits(), {"weights_num_bits": 4}
    before = quantized(model, data, target, settings_with(**more))  # type: ignore[arg-type]
    after = improved(before, only("mse_weight_ranges", **more), Batches(data))
    assert after.improvements["mse_weight_ranges"].layers
    assert after.parameters.activations == before.parameters.activations
    assert after.parameters.weights != before.parameters.weights
    for layer, role in before.parameters.weights:
        np.testing.assert_array_equal(
            after.model.parameters(layer).get(role), before.model.parameters(layer).get(role)
        )
