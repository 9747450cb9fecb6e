"""Scales give back what quantization takes off the spread of outputs; codes stay."""

from __future__ import annotations

import numpy as np
import pytest

from clika_core.backend.interface import Removals
from clika_core.numerics import fake_quantize, quantize
from clika_core.pipeline.data import Batches
from clika_core.pipeline.improving import improved
from clika_core.pipeline.quantization import Quantized
from clika_core.quality.reference import OutputSample, Reference
from clika_core.quality.reworking import reworked
from clika_core.quality.running_layer import summing_heads
from clika_core.quality.scale_correction import LARGEST, ScaleCorrection, layer_factor
from clika_core.quality.work import Improvement, Work
from clika_loopback.model import LoopbackModel
from tests.core.loopback.networks import Sketch, batches
from tests.core.loopback.quantizing import only, quantized

ROWS = 32  # of each of as many samples


def sample(rows: np.ndarray, rows_each: int = ROWS) -> OutputSample:
    return OutputSample(rows.mean(axis=0), rows, np.arange(len(rows)) // rows_each)


@pytest.mark.parametrize("size", [0.9, 0.99, 1.05])
def test_a_factor_of_all_values_comes_out(size: float) -> None:
    rows = np.random.default_rng(0).standard_normal((1024, 3)) + 2
    assert layer_factor(sample(rows * size + 1), sample(rows)) == pytest.approx(1 / size, rel=1e-6)


def test_a_factor_is_found_under_noise_that_is_smaller() -> None:
    random = np.random.default_rng(0)
    rows = random.standard_normal((1024, 64))
    noisy = rows * 0.98 + random.standard_normal(rows.shape) * 0.02
    assert layer_factor(sample(noisy), sample(rows)) == pytest.approx(1 / 0.98, rel=1e-3)


@pytest.mark.parametrize("noise", [0.001, 0.01, 0.1, 0.5])
def test_noise_alone_leaves_the_scale_as_it_is(noise: float) -> None:
    found = []
    for seed in range(40):
        random = np.random.default_rng(seed)
        rows = random.standard_normal((1024, 16))
        found.append(layer_factor(sample(rows + random.standard_normal(rows.shape) * noise), sample(rows)))
    assert np.mean(np.array(found) == 1) >= 0.9
    np.testing.assert_allclose(found, 1, atol=0.05 * noise)


@pytest.mark.parametrize("noise", [0.3, 1.0])
def test_noise_that_a_factor_would_raise_too_far_leaves_the_scale_as_it_is(noise: float) -> None:
    random = np.random.default_rng(0)
    rows = random.standard_normal((1024, 64))
    shrunk = rows * 0.97 + random.standard_normal(rows.shape) * noise
    assert layer_factor(sample(shrunk), sample(rows)) == 1


def test_rows_of_one_sample_count_once() -> None:
    """A size that each of a few samples has by chance is no factor, however many rows they have."""
    random = np.random.default_rng(1)
    changes = [
        layer_factor(sample(rows * np.repeat(sizes, 128)[:, None], 128), sample(rows, 128))
        for rows in (random.standard_normal((1024, 8)) for _ in range(40))
        for sizes in (1 + random.standard_normal(8) * 0.02,)
    ]
    independent = [
        layer_factor(sample(rows * np.repeat(sizes, 128)[:, None], 1), sample(rows, 1))
        for rows in (random.standard_normal((1024, 8)) for _ in range(40))
        for sizes in (1 + random.standard_normal(8) * 0.02,)
    ]
    assert np.mean(np.array(changes) != 1) < 0.15 < np.mean(np.array(independent) != 1)


def test_a_layer_without_spread_and_one_sample_keep_their_scale() -> None:
    rows = np.ones((50, 2))
    assert layer_factor(sample(rows * 2), sample(rows)) == 1
    rows = np.random.default_rng(0).standard_normal((32, 2))
    assert layer_factor(sample(rows / 2), sample(rows)) == 1


def test_factors_have_limits() -> None:
    rows = np.random.default_rng(0).standard_normal((1024, 1))
    assert layer_factor(sample(rows / 9), sample(rows)) == pytest.approx(LARGEST, rel=1e-3)
    assert layer_factor(sample(rows * 9), sample(rows)) == pytest.approx(1 / LARGEST, rel=0.05)


def dense(seed: int = 0) -> LoopbackModel:
    s = Sketch(seed)
    return s.output(s.linear(s.op("relu", s.linear(s.input("x", 8), 8, 16)), 16, 3))


def work_of(found: Quantized, inputs: tuple[np.ndarray, ...]) -> Work:
    """`reference` has outputs of the first layer that are 1.1 times the quantized model's."""
    reference = found.model.preprocess(Removals({}))
    for role, array in reference.parameters("linear_1").items():
        reference.parameters("linear_1")[role] = array * np.float32(1.1)
    own = found.model.preprocess(Removals({}))
    compared = Reference(reference, inputs, summing_heads(found.simulation))
    return Work(own, compared, found.plan, found.target, found.parameters, found.simulation)


def corrected(work: Work) -> tuple[Work, Improvement]:
    found, (said,) = reworked(work, [ScaleCorrection(work)])
    return found, said


def test_a_factor_between_the_float_and_the_quantized_model_goes_into_the_scales() -> None:
    data = batches(dense(), size=512)
    found = quantized(dense(), data)
    work, said = corrected(work_of(found, data[0]))
    assert said.layers == ("linear_1", "linear_2")
    before, after = (each.parameters.weights["linear_1", "weight"].scale for each in (found, work))
    np.testing.assert_allclose(after / before, 1.1, rtol=0.01)


def test_codes_stay_and_so_do_the_means_of_the_outputs() -> None:
    data = batches(dense(), size=512)
    found = quantized(dense(), data)
    work, _ = corrected(work_of(found, data[0]))
    for (layer, role), params in work.parameters.weights.items():
        codes = quantize(work.model.parameters(layer)[role], params)
        former = quantize(found.model.parameters(layer)[role], found.parameters.weights[layer, role])
        np.testing.assert_array_equal(codes, former)
    x = fake_quantize(data[0][0], found.parameters.activations["x", 0])
    means = []
    for each in (found, work):
        held, params = each.model.parameters("linear_1"), each.parameters.weights["linear_1", "weight"]
        means.append((x @ fake_quantize(held["weight"], params).T + held["bias"]).mean(axis=0))
    np.testing.assert_allclose(means[1], means[0], atol=1e-4)


def test_layers_without_a_bias_are_left_alone() -> None:
    s = Sketch()
    model = s.output(s.op("linear", s.linear(s.input("x", 8), 8, 8), weight=s.weights(3, 8)))
    data = batches(model)
    after = improved(quantized(model, data), only("scale_correction"), Batches(data))
    assert after.improvements["scale_correction"].summary.endswith("of 1 looked at")
