"""Bias correction takes off each bias what quantization adds on average: the formula, spelt out in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clika_core.numerics import dequantize, quantize
from clika_core.pipeline.quantization import Quantized
from clika_core.quality.bias_correction import STEADINESS, BiasCorrection, shift
from clika_core.quality.reference import OutputSample
from clika_core.quality.reworking import reworked
from clika_loopback.model import LoopbackModel
from clika_loopback.traced_model import trace
from tests.core.loopback.networks import Sketch, batches, image_network
from tests.core.loopback.quantizing import quantized, settings_with, simulated_values
from tests.core.quality.encoders import work_of


def two_layers(seed: int = 0) -> LoopbackModel:
    s = Sketch(seed)
    return s.output(s.linear(s.op("relu", s.linear(s.input("x", 8), 8, 6)), 6, 3))


def corrected(found: Quantized, inputs: tuple[np.ndarray, ...]) -> dict[str, np.ndarray]:
    work = work_of(found, [inputs])
    after, (said,) = reworked(work, [BiasCorrection(work)])
    return {layer: after.model.parameters(layer)["bias"] for layer in said.layers}


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**16))
def test_the_first_layer_is_corrected_by_the_formula(seed: int) -> None:
    model = two_layers(seed)
    data = batches(model, size=32, seed=seed)
    found = quantized(model, data)
    (x,) = data[0]
    weights, params = found.model.parameters("linear_1"), found.parameters
    rounded = {
        "x": dequantize(quantize(x, params.activations["x", 0]), params.activations["x", 0]),
        "w": dequantize(
            quantize(weights["weight"], params.weights["linear_1", "weight"]),
            params.weights["linear_1", "weight"],
        ),
    }
    errors = rounded["x"].astype(np.float64) @ rounded["w"].T - x.astype(np.float64) @ weights["weight"].T
    square = np.square(errors.mean(axis=0))
    steady = square / (square + errors.var(axis=0) / STEADINESS)
    wanted = weights["bias"] - errors.mean(axis=0) * steady
    np.testing.assert_allclose(corrected(found, data[0])["linear_1"], wanted, atol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_means_of_a_few_bits_come_back_to_those_of_the_float_model(seed: int) -> None:
    """Of the last layer, whose output nothing clamps: to half a step of its codes, and nearer than before."""
    s = Sketch(seed)
    x = s.op("relu", s.conv(s.input("x", 3, 6, 6), 3, 6))
    model = s.output(s.conv(s.op("relu", s.conv(x, 6, 6)), 6, 4))
    data = batches(model, size=32, seed=seed)
    found = quantized(model, data, settings=settings_with())
    floats: dict[str, np.ndarray] = {}

    def keep(call):  # type: ignore[no-untyped-def]
        outputs = call.run()
        floats[call.node.name] = OutputSample.of(found.model, call.node, outputs[0]).mean
        return outputs

    found.model.interpret(data[0], keep)

    def distance() -> float:
        codes = simulated_values(found, data[0])["conv_3", 0]
        scale = float(found.parameters.activations["conv_3", 0].scale)
        return float(np.abs(codes.mean(axis=(0, 2, 3)) * scale - floats["conv_3"]).max() / scale)

    before = distance()
    for layer, bias in corrected(found, data[0]).items():
        found.model.parameters(layer)["bias"] = bias
    assert distance() < 0.5
    assert distance() < before


def test_layers_without_a_bias_and_float_layers_are_left_alone() -> None:
    s = Sketch(1)
    bare = s.op("linear", s.input("x", 8), weight=s.weights(8, 8))
    model = s.output(s.linear(s.linear(bare, 8, 8), 8, 3))
    data = batches(model)
    found = quantized(model, data, settings=settings_with(skip=["linear_3"]))
    assert set(corrected(found, data[0])) == {"linear_2"}


def test_the_model_itself_is_not_changed() -> None:
    model = image_network(2)
    data = batches(model)
    found = quantized(model, data)
    before = {head: dict(found.model.parameters(head)) for head in found.simulation.specs}
    corrected(found, data[0])
    for head, weights in before.items():
        for role, array in weights.items():
            np.testing.assert_array_equal(found.model.parameters(head)[role], array)


def sample(values: np.ndarray) -> OutputSample:
    """Of the output [N, T, C] of a dense layer."""
    s = Sketch()
    model = s.output(s.op("linear", s.input("x", 8), weight=s.weights(8, 8)))
    traced = trace(model, batches(model)[0])
    return OutputSample.of(traced, traced.graph["linear_1"], values)


def test_a_shift_of_every_value_is_taken_off_whole() -> None:
    values = np.random.default_rng(0).standard_normal((40, 70, 8)).astype(np.float32)
    wanted = np.linspace(-1, 1, 8, dtype=np.float32)
    np.testing.assert_allclose(shift(sample(values + wanted), sample(values)), wanted, rtol=1e-4)


def test_a_large_error_at_few_positions_is_not_taken_off_the_others() -> None:
    values = np.random.default_rng(0).standard_normal((40, 70, 8)).astype(np.float32)
    wrong = values.copy()
    wrong[:, 0] += 100.0
    assert np.all(shift(sample(wrong), sample(values)) < 0.2 * 100 / 70)


def test_equal_outputs_need_no_correction() -> None:
    values = np.ones((3, 8), np.float32)
    np.testing.assert_array_equal(shift(sample(values), sample(values)), np.zeros(8))
