"""Techniques run after calibration, on a model of their own, and say what they did."""

from __future__ import annotations

from typing import Any

import numpy as np

from clika_core.pipeline import deployment
from clika_core.pipeline.data import Batches
from clika_core.pipeline.improving import improved
from clika_core.pipeline.quantization import Quantized
from clika_core.pipeline.report import Outcome, report_json
from clika_core.quality.techniques import TECHNIQUES
from clika_core.settings.model import Settings
from clika_loopback.model import LoopbackModel
from tests.core.loopback.networks import Sketch, batches
from tests.core.loopback.quantizing import quantized, settings_with


def deep(seed: int) -> LoopbackModel:
    """Depthwise and pointwise convolutions behind relu6, whose roundings add up in one direction."""
    s = Sketch(seed)
    x = s.input("x", 4, 6, 6)
    for _ in range(4):
        x = s.op("relu6", s.conv(x, 4, 4, 3, groups=4))
        x = s.op("relu6", s.conv(x, 4, 4, 1))
    return s.output(s.conv(x, 4, 4, 1))


def distance(found: Quantized, data: list[tuple[np.ndarray, ...]]) -> float:
    floats = deployment.run_float(found.floating, data)
    return deployment.relative_distance(deployment.run_simulation(found, data), floats)


def test_the_quantized_model_comes_nearer_to_the_float_model() -> None:
    gains = []
    for seed in range(6):
        data = batches(deep(seed), size=32)
        fresh = batches(deep(seed), size=32, seed=9)
        found = quantized(deep(seed), data)
        gains.append(
            distance(improved(found, settings_with(), Batches(data)), fresh) / distance(found, fresh)
        )
    assert float(np.mean(gains)) < 1


def test_the_model_before_stays_and_is_the_float_baseline() -> None:
    data = batches(deep(1))
    found = quantized(deep(1), data)
    before = dict(found.model.parameters("conv_1"))
    better = improved(found, settings_with(), Batches(data))
    assert better.floating is found.model
    np.testing.assert_array_equal(found.model.parameters("conv_1")["bias"], before["bias"])
    assert not np.array_equal(better.model.parameters("conv_1")["bias"], before["bias"])


def test_nothing_is_done_where_nothing_is_asked_for_or_quantized() -> None:
    data = batches(deep(1))
    found = quantized(deep(1), data)
    none: dict[str, Any] = dict.fromkeys(TECHNIQUES, False)
    assert improved(found, settings_with(**none), Batches(data)) is found
    floats = quantized(deep(1), data, settings=settings_with(skip=["op:conv", "op:relu6"]))
    assert improved(floats, settings_with(), Batches(data)) is floats


def test_the_report_says_what_was_done() -> None:
    data = batches(deep(1))
    better = improved(quantized(deep(1), data), settings_with(), Batches(data))
    report = report_json(better, Settings(), Outcome(), seed=0)
    done = report["improvements"]["bias_correction"]
    assert done["layers"] == [f"conv_{number}" for number in range(1, 10)]
    assert done["summary"] == "bias correction: the biases of 9 layers"
    assert "improve" in report["timings_seconds"]
