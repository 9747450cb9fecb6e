"""Techniques run before and after calibration, on a model of their own, and say what they did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from clika_core.pipeline import deployment
from clika_core.pipeline.data import Batches
from clika_core.pipeline.improving import improved, quantize_after_training
from clika_core.pipeline.quantization import Quantized
from clika_core.pipeline.report import Outcome, report_json
from clika_core.quality.samples import MAX_SAMPLES
from clika_core.quality.techniques import TECHNIQUES
from clika_core.sensitivity.measure import measure
from clika_core.settings.model import Settings
from clika_core.targets.ort import ORT
from clika_loopback.model import LoopbackModel
from clika_loopback.traced_model import trace
from tests.core.loopback.networks import Batch, Sketch, batches
from tests.core.loopback.quantizing import after_training, only, quantized, settings_with
from tests.core.quality.test_equalization import unequal


class Reading:
    """Batches that count how many were read, each time."""

    def __init__(self, data: list[Batch]) -> None:
        self.data, self.passes = data, list[int]()

    def __iter__(self) -> Iterator[Batch]:
        self.passes.append(0)
        place = len(self.passes) - 1
        for batch in self.data:
            self.passes[place] += 1
            yield batch


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


def test_ranges_and_sensitivities_are_those_of_the_prepared_model() -> None:
    model = unequal(1)
    data = batches(model)
    found = after_training(model, data, only("cross_layer_equalization"))
    assert found.improvements["cross_layer_equalization"].layers
    assert found.floating is not found.model
    measured = measure(found.model, found.simulation, found.plan.groups, data)
    assert found.measurements == measured
    assert measured != quantized(model, data).measurements


def test_data_is_read_whole_twice_and_its_first_batches_once_for_samples() -> None:
    model = deep(1)
    read = Reading(batches(model, count=70, size=1))
    quantize_after_training(trace(model, read.data[0]), settings_with(), ORT, Batches(read), lambda _: None)
    assert sorted(read.passes) == [MAX_SAMPLES, 70, 70]


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
