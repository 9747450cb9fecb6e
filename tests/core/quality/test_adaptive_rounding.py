"""Layers are rounded adaptively one after the other; the model then holds weights on the chosen codes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from clika_core.numerics import dequantize, quantize
from clika_core.pipeline import deployment
from clika_core.pipeline.data import Batches
from clika_core.pipeline.improving import improved
from clika_core.pipeline.quantization import Quantized
from clika_core.quality import summed_inputs
from clika_loopback.model import LoopbackModel
from tests.core.loopback.networks import Sketch, batches
from tests.core.loopback.quantizing import only, quantized, settings_with


def separable(seed: int) -> LoopbackModel:
    """Full, depthwise and grouped convolutions, and a dense layer."""
    s = Sketch(seed)
    x = s.op("relu", s.conv(s.input("x", 3, 6, 6), 3, 8))
    x = s.op("relu", s.conv(x, 8, 8, groups=8))
    x = s.op("relu", s.conv(x, 8, 8, groups=2))
    return s.output(s.linear(s.op("flatten", x, start_axis=1, end_axis=-1), 288, 3))


def rounded(seed: int, **more: Any) -> tuple[Quantized, Quantized, Any]:
    model = separable(seed)
    data = batches(model, count=2, size=16, seed=seed)
    before = quantized(model, data, settings=settings_with(**more))
    return before, improved(before, only("adaptive_rounding", **more), Batches(data)), data


def distance(found: Quantized, data: Any) -> float:
    floats = deployment.run_float(found.floating, data)
    return deployment.relative_distance(deployment.run_simulation(found, data), floats)


def test_weights_lie_on_codes_beside_the_former_ones() -> None:
    before, after, _ = rounded(0)
    layers = after.improvements["adaptive_rounding"].layers
    assert layers == ("conv_1", "conv_2", "conv_3", "linear_1")
    for layer in layers:
        params = after.parameters.weights[layer, "weight"]
        weight, former = (found.model.parameters(layer)["weight"] for found in (after, before))
        np.testing.assert_array_equal(dequantize(quantize(weight, params), params), weight)
        steps = np.abs(weight - former) / params.scale.reshape(-1, *[1] * (weight.ndim - 1))
        assert 0.5 < steps.max() < 1.001
    assert after.parameters == before.parameters


@pytest.mark.parametrize("bits", [4, 8])
def test_weights_of_few_bits_lose_less(bits: int) -> None:
    more = {"weights_num_bits": bits, "activations_num_bits": 8}
    target = {} if bits == 8 else more
    gains = []
    for seed in range(5):
        if bits == 8:
            before, after, data = rounded(seed)
        else:
            before, after, data = _simulated(seed, target)
        gains.append(distance(after, data) / distance(before, data))
    assert np.exp(np.mean(np.log(gains))) < (0.75 if bits == 4 else 1.0)


def _simulated(seed: int, more: dict[str, Any]) -> tuple[Quantized, Quantized, Any]:
    """The same at widths that no kernel has."""
    from clika_core.targets.ort import ORT

    model = separable(seed)
    data = batches(model, count=2, size=16, seed=seed)
    before = quantized(model, data, ORT.with_simulated_bits(), settings_with(**more))
    return before, improved(before, only("adaptive_rounding", **more), Batches(data)), data


def test_a_layer_of_too_many_rows_keeps_the_nearest_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summed_inputs, "MAX_ELEMENTS", 30_000)
    before, after, _ = rounded(0)
    assert after.improvements["adaptive_rounding"].layers == ("conv_1",)
    for name in ("conv_2", "conv_3", "linear_1"):
        np.testing.assert_array_equal(
            after.model.parameters(name)["weight"], before.model.parameters(name)["weight"]
        )


def test_what_was_done_is_said_with_what_is_left_of_the_error() -> None:
    _, after, _ = rounded(0)
    summary = after.improvements["adaptive_rounding"].summary
    assert summary.startswith("adaptive rounding: the weights of 4 layers; squared errors 0.")
