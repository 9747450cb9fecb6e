"""Every observer can be chosen; widths and groups without a kernel are simulated, or refused with the reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clika_core as clika
from clika_core.errors import TargetError
from clika_core.observers import OBSERVERS
from clika_core.pipeline.quantization import Quantized
from clika_core.plugins.registry import find_target
from clika_core.targets.ort import ORT
from clika_core.targets.simulation import SIMULATION
from clika_loopback.model import LoopbackModel
from tests.core.loopback.networks import Sketch, batches, image_network, sequence_network
from tests.core.loopback.oracle import Oracle
from tests.core.loopback.quantizing import quantized, settings_with, simulated_values


def linear_network(width: int = 64) -> LoopbackModel:
    s = Sketch(7)
    h = s.op("leaky_relu", s.linear(s.input("x", width), width, 48))
    return s.output(s.linear(h, 48, 10))


def compressed(settings: clika.Settings, folder: Path | None = None, **more: Any) -> Any:
    model = linear_network()
    data = np.concatenate([x for (x,) in batches(model, count=8)]) ** 3  # rare large values
    return clika.compress(model, settings=settings, calibration_data=data, output_dir=folder, **more)


@pytest.mark.parametrize("name", [*OBSERVERS, "power_of_two"])
def test_every_observer_can_be_chosen(name: str) -> None:
    result = compressed(settings_with(observer=name))
    layers = {layer["name"]: layer for layer in result.report["layers"]}
    assert 0 < layers["linear_1"]["qs"] < 0.5
    assert result.report["settings"]["global_quantization_settings"]["observer"] == name


def test_observers_differ_in_the_ranges_they_take() -> None:
    def scale(name: str) -> float:
        found = compressed(settings_with(observer=name)).quantized.parameters.activations["x", 0]
        return float(found.scale)

    scales = {name: scale(name) for name in OBSERVERS}
    assert scales["min_max"] >= max(scales["mse"], scales["percentile"], scales["mean_min_max"])
    assert len(set(scales.values())) >= 3


def test_an_observer_that_is_none_is_told() -> None:
    with pytest.raises(clika.ClikaError, match="there is no observer 'median'"):
        compressed(settings_with(observer="median"))


def at(weights: int, activations: int, model: Any = None, **more: Any) -> Quantized:
    model = model or linear_network()
    settings = settings_with(weights_num_bits=weights, activations_num_bits=activations, **more)
    return quantized(model, batches(model), SIMULATION, settings)


@pytest.mark.parametrize(("weights", "activations"), [(2, 8), (4, 8), (8, 8), (8, 16), (16, 16), (3, 5)])
@pytest.mark.parametrize("make", [image_network, sequence_network])
def test_every_width_is_computed_as_the_formulas_say(make: Any, weights: int, activations: int) -> None:
    model = make(2)
    found = at(weights, activations, model)
    data = batches(model)[0]
    values = simulated_values(found, data)
    checked = 0
    for head, theirs, ours in Oracle(found, values).groups():
        for code, wanted in zip(theirs, ours, strict=True):
            assert np.abs(code - wanted).max() <= (1 if activations > 8 else 0), head
            assert np.mean(code == wanted) >= (0.98 if activations > 8 else 1), head
            checked += 1
    assert checked > 5
    for params in found.parameters.activations.values():
        assert params.format.num_bits == activations


def test_more_bits_lose_less() -> None:
    by_weights = [at(bits, 16).measurements["linear_1"].qs for bits in (2, 3, 4, 6, 8)]
    assert by_weights == sorted(by_weights, reverse=True)
    assert by_weights[0] > 20 * by_weights[-1]
    by_activations = [at(16, bits).measurements["linear_1"].qs for bits in (2, 4, 8, 12)]
    assert by_activations == sorted(by_activations, reverse=True)


@pytest.mark.parametrize("size", [32, 64])
def test_a_group_of_weights_has_one_scale_and_the_layer_computes_with_it(size: int) -> None:
    model = linear_network()
    found = at(4, 8, model, weights_group_size=size)
    weight = model.parameters["linear:0.weight"]
    groups = weight.reshape(48, 64 // size, size)
    scale = np.abs(groups).max(axis=2) / np.float32(7)
    params = found.parameters.weights["linear_1", "weight"]
    np.testing.assert_allclose(params.scale, scale, rtol=1e-6)
    real = (np.clip(np.rint(groups / scale[..., None]), -7, 7) * scale[..., None]).reshape(weight.shape)
    (x,) = batches(model)[0]
    entering = found.parameters.activations["x", 0]
    codes = np.clip(np.rint(x / entering.scale) + entering.zero_point, 0, 255) - entering.zero_point
    wanted = codes * entering.scale @ real.T + model.parameters["linear:0.bias"]
    leaving = found.parameters.activations["linear_1", 0]
    wanted = np.clip(np.rint(wanted / leaving.scale) + leaving.zero_point, 0, 255) - leaving.zero_point
    np.testing.assert_allclose(simulated_values(found, (x,))["linear_1", 0], wanted, atol=1)


def test_smaller_groups_lose_less_at_four_bits() -> None:
    errors = [at(4, 16, weights_group_size=size).measurements["linear_1"].qs for size in (32, 64)]
    assert errors[0] < errors[1] <= at(4, 16).measurements["linear_1"].qs * 1.0001


def test_a_runtime_without_such_kernels_keeps_the_layer_float_and_says_why() -> None:
    model = linear_network()
    for settings, said in (
        (settings_with(weights_num_bits=4), "ort has no 4-bit weights"),
        (settings_with(activations_num_bits=16), "ort has no 16-bit activations"),
        (settings_with(weights_group_size=32), "ort has no kernel for weights in groups of 32"),
    ):
        found = quantized(model, batches(model), ORT, settings)
        decision = found.plan["linear_1"]
        assert (str(decision.precision), decision.causes[0].of) == ("float", (said,))
        planned = clika.plan(found.plan.graph, settings, target="ort")
        assert planned["linear_1"].causes == decision.causes


def test_a_size_that_no_kernel_could_have_is_unsupported() -> None:
    found = at(8, 8, weights_group_size=48)
    assert found.plan["linear_1"].causes[0].of == ("simulation has no kernel for weights in groups of 48",)


def test_a_simulation_is_evaluated_and_writes_no_file(tmp_path: Path) -> None:
    settings = settings_with(weights_num_bits=4)
    draws = np.random.default_rng(0)
    data = [(draws.standard_normal((16, 64)).astype(np.float32), draws.integers(0, 10, 16)) for _ in range(4)]
    result = compressed(settings, tmp_path / "out", target="simulation", evaluation_data=data)
    assert result.deployed_path is None
    assert list((tmp_path / "out").glob("*.onnx")) == []
    report = json.loads((tmp_path / "out" / "clika_report.json").read_text())
    assert report["evaluation"]["metric"] == "top1"
    assert set(report["evaluation"]["scores"]) == {"float", "quantized"}
    assert any("no file is written" in note for note in report["notes"])
    sizes = report["sizes_bytes"]
    codes = (64 * 48 + 48 * 10) // 2
    assert codes < sizes["weights_quantized"] < codes + (48 + 10) * (4 + 1 + 8) + 1
    assert result.model(data[0][0]).shape == (16, 10)


def test_it_cannot_be_deployed() -> None:
    with pytest.raises(TargetError, match="it is for simulations"):
        find_target("simulation").check_written()
