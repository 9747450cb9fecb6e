"""Deploying a quantized model, and measuring what was deployed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from clika_core.deployment.lowerings import LOWERINGS
from clika_core.errors import OutputError
from clika_core.pipeline import deployment
from clika_core.pipeline.quantization import Quantized
from clika_core.pipeline.sizes import float_weight_bytes, quantized_weight_bytes
from clika_loopback.model import LoopbackModel
from clika_loopback.traced_model import trace
from tests.core.loopback.networks import Batch, Sketch, batches
from tests.core.loopback.quantizing import quantized, settings_with


def network() -> LoopbackModel:
    s = Sketch(3, "tiny")
    h = s.op("relu", s.batch_norm(s.conv(s.input("x", 4, 6, 6), 4, 8), 8))
    return s.output(s.linear(s.op("flatten", s.op("adaptive_avg_pool", h, output_size=(1, 1))), 8, 3))


def made(tail: bool = False) -> tuple[Quantized, list[Batch]]:
    model = network()
    return quantized(model, batches(model), settings=settings_with(tail=tail)), batches(model)


def test_the_file_is_named_after_the_model_and_runs(tmp_path: Path) -> None:
    found, data = made()
    deployed = deployment.deploy(found)
    path = deployed.save(tmp_path)
    assert path == tmp_path / "tiny.onnx"
    onnx.checker.check_model(str(path), full_check=True)
    for one, other in zip(
        deployment.run_deployed(deployed.quantized, data), deployment.run_simulation(found, data), strict=True
    ):
        np.testing.assert_allclose(one[0], other[0], atol=1e-6)


def test_float_quantized_and_deployed_outputs_are_close_to_each_other() -> None:
    found, data = made()
    floating = deployment.run_float(trace(network(), data[0]), data)
    simulated = deployment.run_simulation(found, data)
    assert 0 < deployment.relative_distance(simulated, floating) < 0.05
    assert deployment.relative_distance(floating, floating) == 0


def test_weight_bytes_are_counted_as_they_are_stored() -> None:
    found, _ = made()
    conv, linear = 8 * 4 * 9, 3 * 8
    assert float_weight_bytes(found.model) == 4 * (conv + 8 + linear + 3)
    stored = conv + linear + (8 + 3) * (4 + 1)  # codes; a scale and a zero point for each channel
    biases = (8 + 3) * (4 + 4)  # codes and scales
    assert quantized_weight_bytes(found) == stored + biases


def test_a_float_layer_s_weights_count_in_full() -> None:
    found, _ = made(tail=True)
    assert found.plan.skipped == ("linear_1",)
    conv = 8 * 4 * 9 + 8 * (4 + 1) + 8 * (4 + 4)
    assert quantized_weight_bytes(found) == conv + 4 * (3 * 8 + 3)


def test_sizes_name_weights_and_whole_files() -> None:
    found, _ = made()
    deployed = deployment.deploy(found)
    sizes = deployed.sizes_bytes(found)
    assert set(sizes) == {"weights_float", "weights_quantized", "file_float", "file_quantized"}
    assert sizes["file_quantized"] == deployed.quantized.num_bytes
    assert sizes["weights_quantized"] < sizes["weights_float"]


def test_latencies_are_measured_for_float_and_int8() -> None:
    found, data = made()
    latencies = deployment.latencies(deployment.deploy(found), [array[:1] for array in data[0]])
    assert set(latencies) == {"float", "int8"}
    assert all(0 < seconds < 1 for seconds in latencies.values())


def test_top1_is_the_largest_score_of_the_first_output() -> None:
    scores = np.array([[1, 3, 2], [9, 0, 1]], np.float32)
    np.testing.assert_array_equal(deployment.top1([[scores, scores * 0], [scores[:1]]]), [1, 0, 1])


def test_distance_is_taken_over_all_floating_outputs_of_all_batches() -> None:
    one = [[np.array([3.0]), np.array([7])], [np.array([0.0]), np.array([1])]]
    other = [[np.array([3.0]), np.array([9])], [np.array([4.0]), np.array([1])]]
    assert deployment.relative_distance(one, other) == pytest.approx(4 / 5)


def test_a_layer_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(LOWERINGS, "rms_norm")
    s = Sketch()
    model = s.output(s.op("rms_norm", s.input("x", 8), path="norm"))
    with pytest.raises(OutputError, match=r"'rms_norm_1' \(norm\) cannot be written"):
        deployment.deploy(quantized(model, batches(model)))
