"""The steps between trace and quantized model: in order, data read twice, mistakes found before any of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from clika_core.errors import DataError, SettingsError
from clika_core.pipeline.data import Batches
from clika_core.pipeline.quantization import quantize_traced
from clika_core.planning.decision import CauseKind
from clika_core.settings.model import LayerQuantizationSettings
from clika_core.targets.ort import ORT
from clika_loopback.model import LoopbackModel
from clika_loopback.observer import PowerOfTwoObserver
from clika_loopback.traced_model import trace
from tests.core.loopback.networks import Batch, Sketch, batches, image_network
from tests.core.loopback.quantizing import quantized, settings_with


class Counting:
    """Batches that count how often they are read."""

    def __init__(self, data: list[Batch]) -> None:
        self.data, self.passes = data, 0

    def __iter__(self) -> Iterator[Any]:
        self.passes += 1
        return iter(self.data)


def small() -> LoopbackModel:
    s = Sketch()
    return s.output(s.linear(s.op("relu", s.linear(s.input("x", 8), 8, 8)), 8, 3))


def test_steps_run_in_order_and_are_timed() -> None:
    model, steps = small(), list[str]()
    data = Batches(batches(model))
    found = quantize_traced(trace(model, data.first()), settings_with(), ORT, data, steps.append)
    assert steps == ["plan", "preprocess", "calibrate", "sensitivity", "quantize"]
    assert list(found.timings_seconds) == steps
    assert all(seconds >= 0 for seconds in found.timings_seconds.values())


def test_data_is_read_once_to_calibrate_and_once_to_measure() -> None:
    model = small()
    data = Counting(batches(model))
    quantize_traced(trace(model, data.data[0]), settings_with(), ORT, Batches(data), lambda _: None)
    assert data.passes == 2


def test_a_rule_that_cannot_be_used_is_found_before_any_data_is_read() -> None:
    model, settings = small(), settings_with(skip=["linear_7"])
    data = Counting(batches(model))
    with pytest.raises(SettingsError, match="linear_7"):
        quantize_traced(trace(model, data.data[0]), settings, ORT, Batches(data), lambda _: None)
    assert data.passes == 0


def test_layers_above_the_threshold_stay_float_with_their_measure() -> None:
    model = image_network(3)
    data = batches(model)
    free = quantized(model, data)
    values = sorted(measured.qs for measured in free.measurements.values())
    threshold = values[len(values) // 2]
    found = quantized(model, data, settings=settings_with(quantization_sensitivity_threshold=threshold))
    above = {name for name, measured in free.measurements.items() if measured.qs > threshold}
    assert above
    assert above == {d.name for d in found.plan.decisions if any(c.kind == "sensitivity" for c in d.causes)}
    assert found.measurements == free.measurements


def test_the_absolute_measure_decides_where_it_is_chosen() -> None:
    model = image_network(3)
    data = batches(model)
    most = max(measured.abs_l2 for measured in quantized(model, data).measurements.values())
    chosen = settings_with(
        quantization_sensitivity_measure="absolute", quantization_sensitivity_threshold=most * 0.999
    )
    causes = [c for d in quantized(model, data, settings=chosen).plan.decisions for c in d.causes]
    assert [cause.kind for cause in causes].count(CauseKind.SENSITIVITY) == 1


def test_the_observer_is_found_by_name_also_where_a_plugin_brings_it() -> None:
    model = small()
    data = batches(model)
    found = quantized(model, data, settings=settings_with(observer="power_of_two"))
    observer = found.calibration.observers["relu_1", 0]
    assert isinstance(observer, PowerOfTwoObserver)
    limit = 2.0 ** math.floor(math.log2(observer.extent.max_value))
    params = found.parameters.activations["relu_1", 0]
    assert (params.scale, params.zero_point) == (np.float32(limit / 255), 0)


def test_bits_that_the_target_lacks_keep_a_layer_float() -> None:
    model, settings = small(), settings_with()
    settings.set_quantization_settings_for_layer("linear_1", LayerQuantizationSettings(weights_num_bits=4))
    found = quantized(model, batches(model), settings=settings)
    (cause,) = found.plan["linear_1"].causes
    assert cause.of == ("ort has no 4-bit weights",)
    assert ("linear_1", "weight") not in found.parameters.weights


def test_data_without_a_batch_is_an_error() -> None:
    model = small()
    traced = trace(model, batches(model)[0])
    with pytest.raises(DataError, match="the calibration data has no batch"):
        quantize_traced(traced, settings_with(), ORT, Batches([]), lambda _: None)


def test_weights_can_be_kept_within_half_of_the_codes() -> None:
    model, settings = small(), settings_with()
    settings.deployment_settings.weights_utilize_full_int_range = False
    found = quantized(model, batches(model), settings=settings)
    formats = {(p.format.quant_min, p.format.quant_max) for p in found.parameters.weights.values()}
    assert formats == {(-64, 64)}
