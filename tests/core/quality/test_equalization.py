"""Equalization leaves the float function as it is, makes channels alike, and lowers the error of unequal ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clika_core.backend.interface import Removals
from clika_core.pipeline import deployment
from clika_core.pipeline.quantization import Quantized
from clika_core.quality.channels import follow_channels
from clika_core.quality.equalization import LEAST, STRENGTH, channel_factors, equalize_layers, sizes
from clika_core.quality.reference import Reference
from clika_core.quality.running_layer import summing_heads
from clika_core.quality.work import FloatWork
from clika_loopback.model import LoopbackModel
from tests.core.loopback.networks import Batch, Sketch, batches
from tests.core.loopback.quantizing import after_training, only, quantized


def unequal(seed: int = 0, *, groups: int = 1) -> LoopbackModel:
    """Convolutions around a residual sum; the first layer's channels differ by a factor of fifty."""
    s = Sketch(seed)
    spread = np.geomspace(0.02, 1, 4).astype(np.float32)
    weight = s.weights(4, 3, 3, 3) * spread[:, None, None, None]
    x = s.op("conv", s.input("x", 3, 6, 6), weight=weight, bias=s.weights(4) * spread, padding=((1, 1),) * 2)
    x = s.op("relu", x)
    x = s.op("relu", s.op("add", x, s.conv(s.op("relu", s.conv(x, 4, 4, groups=groups)), 4, 4)))
    h = s.op("flatten", s.op("avg_pool", x, kernel_size=(2, 2), strides=(2, 2)), start_axis=1, end_axis=-1)
    return s.output(s.linear(h, 36, 3))


def equalized(model: LoopbackModel, data: list[Batch]) -> tuple[Quantized, Quantized]:
    return quantized(model, data), after_training(model, data, only("cross_layer_equalization"))


def float_result(found: Quantized, batch: Batch) -> np.ndarray:
    return np.asarray(found.model.interpret(batch, lambda call: call.run())[0])


def error(found: Quantized, batch: Batch) -> float:
    wanted = deployment.run_float(found.floating, [batch])
    return deployment.relative_distance(deployment.run_simulation(found, [batch]), wanted)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**16), groups=st.sampled_from([1, 2, 4]))
def test_the_float_function_stays_the_same(seed: int, groups: int) -> None:
    model = unequal(seed, groups=groups)
    data = batches(model, count=2, size=8, seed=seed)
    before, after = equalized(model, data)
    assert after.improvements["cross_layer_equalization"].layers
    np.testing.assert_allclose(
        float_result(after, data[1]), float_result(before, data[1]), rtol=1e-4, atol=1e-5
    )


def test_float_outputs_of_the_pass_before_are_those_of_the_equalized_model() -> None:
    model = unequal(2, groups=2)
    data = batches(model, size=16)
    found = quantized(model, data)
    own = found.model.preprocess(Removals({}))
    heads = summing_heads(found.simulation)
    reference = Reference(own, data[0], heads)
    work, said = equalize_layers(FloatWork(own, {("relu_1", 0), ("relu_3", 0)}, reference))
    assert said.layers
    fresh = Reference(work.model, data[0], heads).outputs
    for head in heads:
        ours = work.reference.outputs[head]
        np.testing.assert_allclose(ours.mean, fresh[head].mean, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(ours.rows, fresh[head].rows, rtol=1e-4, atol=1e-5)
    before = Reference(found.model, data[0], heads).outputs["conv_1"]
    assert not np.allclose(before.rows, fresh["conv_1"].rows, rtol=1e-2)


def alike_in_effect(seed: int) -> LoopbackModel:
    """Sixteen channels that differ by a factor of fifty, and weights that make up for it."""
    s = Sketch(seed)
    spread = np.geomspace(0.02, 1, 16).astype(np.float32)
    h = s.op("relu", s.op("linear", s.input("x", 8), weight=s.weights(16, 8) * spread[:, None]))
    return s.output(s.op("linear", h, weight=s.weights(3, 16) / spread))


def test_unequal_channels_that_count_alike_lose_much_less() -> None:
    errors = []
    for seed in range(6):
        model = alike_in_effect(seed)
        data = batches(model, count=2, size=16, seed=seed)
        errors.append([error(found, data[1]) for found in equalized(model, data)])
    before, after = np.mean(np.log(errors), axis=0)
    assert after < before - 1


def test_a_factor_is_the_share_of_the_largest_channel_to_the_strength() -> None:
    s = Sketch()
    model = s.output(s.linear(s.op("relu", s.linear(s.input("x", 8), 8, 5)), 5, 2))
    data = batches(model, size=32)
    found = quantized(model, data)
    keys = {("linear_1", 0)}
    channels = follow_channels(found.model, data[0], keys, sizes)
    shares = channels.extents["linear_1", 0].sizes / channels.extents["linear_1", 0].sizes.max()
    factors = channel_factors(channels)
    np.testing.assert_allclose(factors[channels.made["linear_1"]], np.maximum(shares, LEAST) ** STRENGTH)
    np.testing.assert_array_equal(factors[channels.made["linear_2"]], 1)


def test_a_dead_channel_counts_as_a_small_one() -> None:
    s = Sketch()
    weight = s.weights(4, 8)
    weight[2] = 0
    model = s.output(s.linear(s.op("relu", s.op("linear", s.input("x", 8), weight=weight)), 4, 2))
    data = batches(model)
    before, after = equalized(model, data)
    np.testing.assert_allclose(
        float_result(after, data[0]), float_result(before, data[0]), rtol=1e-4, atol=1e-5
    )


def test_where_no_channel_can_be_scaled_nothing_happens() -> None:
    s = Sketch()
    model = s.output(s.linear(s.op("sigmoid", s.linear(s.input("x", 8), 8, 5)), 5, 2))
    data = batches(model)
    before, after = equalized(model, data)
    assert after.improvements["cross_layer_equalization"].layers == ()
    assert after.parameters == before.parameters


def test_ranges_are_those_of_the_equalized_model_on_all_data() -> None:
    model = unequal(3)
    data = batches(model, count=3, size=8)
    _, after = equalized(model, data)
    largest = [0.0]

    def watch(call):  # type: ignore[no-untyped-def]
        outputs = call.run()
        if call.node.name == "relu_1":
            largest[0] = max(largest[0], float(outputs[0].max()))
        return outputs

    for batch in data:
        after.model.interpret(batch, watch)
    params = after.parameters.activations["relu_1", 0]
    assert float(params.scale) * 255 == pytest.approx(largest[0], rel=1e-3)


def test_biases_are_corrected_in_the_sizes_that_channels_have_now() -> None:
    model = unequal(1)
    data = batches(model, count=2, size=16)
    before = quantized(model, data)
    both = after_training(model, data)
    assert next(iter(both.improvements)) == "cross_layer_equalization"
    assert error(both, data[0]) < error(before, data[0])
