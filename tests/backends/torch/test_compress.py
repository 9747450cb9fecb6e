"""From a PyTorch model to a deployed file through `clika.compress`, held against onnxruntime and plain torch."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

import clika_core as clika
from clika_core.errors import DataError, OutputError, SettingsError
from clika_core.pipeline.compress import CompressionResult

PROMISE = 0.9999  # share of equal codes, layer by layer


class Branches(nn.Module):
    """Residual add, concat, pools, depthwise convolution, relu6, a reshape, two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        self.depthwise = nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.left, self.right = nn.Conv2d(16, 8, 1), nn.Conv2d(16, 8, 3, padding=1)
        self.mix, self.head = nn.Linear(16, 24), nn.Linear(24, 5)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        x = functional.relu(self.norm(self.stem(x)))
        x = functional.relu(x + functional.relu6(self.depthwise(x)))
        x = torch.cat([self.left(x), functional.max_pool2d(self.right(x), 3, 1, 1)], dim=1)
        hidden = functional.relu(self.mix(functional.avg_pool2d(x, 2).mean(dim=(2, 3))))
        return {"classes": self.head(hidden), "features": hidden}


def images(count: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((count, 3, 12, 12)).astype(np.float32)


@cache
def model() -> Branches:
    torch.manual_seed(0)
    network = Branches()
    network.train()
    for seed in range(3):  # gives the batch norm statistics of its own
        network(torch.from_numpy(images(16, seed)))
    return network.eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compress") / "outputs"


@pytest.fixture(scope="module")
def result(folder: Path) -> CompressionResult:
    return clika.compress(model(), calibration_data=images(64), output_dir=folder)


def test_every_file_of_the_contract_is_written(result: CompressionResult, folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    assert names >= {
        "Branches.onnx",
        "clika_report.json",
        "model.graph.json",
        "model_init.dot",
        "model_post_preprocessing.dot",
    }
    assert result.deployed_path == folder / "Branches.onnx"
    assert not list(folder.parent.glob(".*"))


def test_the_simulation_gives_the_runtime_s_codes_layer_by_layer(result: CompressionResult) -> None:
    layers = result.report["agreement"]["layers"]
    assert len(layers) > 8
    for name, found in layers.items():
        assert found["share_equal"] >= PROMISE, name
        assert found["largest_difference"] <= 1, name


def test_weights_are_stored_as_int8_and_biases_as_int32(result: CompressionResult) -> None:
    shipped = onnx.load_model(str(result.deployed_path))
    dtypes = {item.name: item.data_type for item in shipped.graph.initializer}
    for layer in ("conv_1", "conv_2", "conv_3", "conv_4"):
        assert dtypes[f"{layer}_weight_codes"] == onnx.TensorProto.INT8
        assert dtypes[f"{layer}_bias_codes"] == onnx.TensorProto.INT32
    assert "conv_1_weight" not in dtypes  # the name of the reals, which nothing stores


def test_the_tail_stays_float_and_says_why(result: CompressionResult) -> None:
    head = result.plan["linear_2"]
    assert head.precision == "float"
    assert [(cause.kind, cause.of) for cause in head.causes] == [("tail", ("output_1",))]
    assert result.plan["linear_1"].precision == "float"  # the tail of the output `features`


def test_the_native_model_takes_and_returns_what_the_original_does(result: CompressionResult) -> None:
    batch = torch.from_numpy(images(7, seed=9))
    with torch.no_grad():
        quantized, original = result.model(batch), model()(batch)
    assert set(quantized) == {"classes", "features"}
    distance = (quantized["classes"] - original["classes"]).norm() / original["classes"].norm()
    assert 0 < distance < 0.1


def test_the_native_model_trains(result: CompressionResult) -> None:
    student = copy.deepcopy(result.model)
    optimizer = torch.optim.Adam(student.parameters(), lr=1e-2)
    batch, wanted = torch.from_numpy(images(32)), torch.ones(32, 5)
    losses = []
    for _ in range(15):
        optimizer.zero_grad()
        loss = functional.mse_loss(student(batch)["classes"], wanted)
        loss.backward()  # type: ignore[no-untyped-call]
        losses.append(float(loss.detach()))
        optimizer.step()
    assert losses[-1] < 0.7 * losses[0]
    assert all(parameter.grad is not None for parameter in student.parameters())


def test_the_user_s_model_is_not_changed(result: CompressionResult) -> None:
    assert result.model is not None
    torch.manual_seed(0)
    fresh = Branches()
    fresh.train()
    for seed in range(3):
        fresh(torch.from_numpy(images(16, seed)))
    for (name, expected), found in zip(
        fresh.state_dict().items(), model().state_dict().values(), strict=True
    ):
        torch.testing.assert_close(found, expected, msg=name)


def test_qs_of_a_convolution_is_the_formula_computed_by_hand(result: CompressionResult) -> None:
    """QS of conv_1 with its folded norm and relu, from float inputs, in plain NumPy and torch."""
    quantized = result.quantized
    spec = quantized.simulation.specs["conv_1"]
    weights = quantized.floating.parameters("conv_1")
    x_params, w_params, y_params = spec.inputs[0], spec.weights["weight"], spec.outputs[0]
    assert x_params is not None
    assert y_params is not None

    def grid(values: NDArray[Any], params: Any, scale: NDArray[Any]) -> NDArray[np.float64]:
        codes = np.rint(values / scale) + params.zero_point.reshape(scale.shape if scale.ndim else ())
        limits = params.format
        centred = np.clip(codes, limits.quant_min, limits.quant_max) - params.zero_point.reshape(scale.shape)
        return np.asarray(centred * scale, np.float64)

    w_scale = w_params.scale.reshape(-1, 1, 1, 1)
    x = images(64)
    bias_scale = x_params.scale * w_params.scale
    bias = np.rint(weights["bias"] / bias_scale) * bias_scale.astype(np.float64)
    inputs = torch.from_numpy(grid(x, x_params, x_params.scale).astype(np.float64))
    kernel = torch.from_numpy(grid(weights["weight"], w_params, w_scale).astype(np.float64))
    real = functional.conv2d(
        torch.from_numpy(x).double(),
        torch.from_numpy(weights["weight"]).double(),
        torch.from_numpy(weights["bias"]).double(),
        padding=1,
    ).relu()
    rough = functional.conv2d(inputs, kernel, torch.from_numpy(bias), padding=1).relu().numpy()
    ours = grid(rough, y_params, y_params.scale)
    expected = np.linalg.norm(ours - real.numpy()) / np.linalg.norm(real.numpy())
    assert quantized.measurements["conv_1"].qs == pytest.approx(expected, rel=1e-4)
    assert quantized.measurements["relu_1"] == quantized.measurements["conv_1"]


def test_the_report_is_strict_json_with_every_layer(result: CompressionResult, folder: Path) -> None:
    report = json.loads((folder / "clika_report.json").read_text(), parse_constant=pytest.fail)
    assert [layer["name"] for layer in report["layers"]] == [layer.name for layer in result.plan.graph.layers]
    conv = report["layers"][0]
    assert conv["calibration"]["samples"] == 64
    assert conv["multiply_accumulates"] == 32 * 12 * 12 * 16 * 27
    assert report["graph"]["fingerprint"] == result.plan.graph.fingerprint


def test_nan_in_the_data_names_layer_and_batch_and_leaves_nothing(tmp_path: Path) -> None:
    data = images(64)
    data[40, 0, 0, 0] = np.nan
    with pytest.raises(DataError, match="input 'x' holds values that are not finite in calibration batch 1"):
        clika.compress(model(), calibration_data=data, output_dir=tmp_path / "outputs")
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_input_shape_is_one_clear_message(tmp_path: Path) -> None:
    data = [images(4), images(4)[:, :2]]
    with pytest.raises(DataError, match="x"):
        clika.compress(model(), calibration_data=data, output_dir=tmp_path / "outputs")
    assert list(tmp_path.iterdir()) == []


def test_a_used_folder_is_refused_and_replaced_only_on_demand(tmp_path: Path) -> None:
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs" / "precious.txt").write_text("keep")
    with pytest.raises(OutputError, match="in use"):
        clika.compress(model(), calibration_data=images(32), output_dir=tmp_path / "outputs")
    assert (tmp_path / "outputs" / "precious.txt").read_text() == "keep"
    clika.compress(model(), calibration_data=images(32), output_dir=tmp_path / "outputs", overwrite=True)
    assert not (tmp_path / "outputs" / "precious.txt").exists()


def test_evaluation_is_called_with_float_and_quantized_model() -> None:
    batch = torch.from_numpy(images(8))

    def score(network: Any) -> float:
        with torch.no_grad():
            return float(network(batch)["features"].sum())

    result = clika.compress(model(), calibration_data=images(32), evaluation=score, output_dir=None)
    accuracy = result.report["accuracy"]
    assert accuracy["float"] == score(model())
    assert accuracy["quantized"] == pytest.approx(accuracy["float"], rel=0.1)
    assert result.deployed_path is None


@pytest.mark.parametrize("keep", [None, "op:conv"])
def test_every_threshold_gives_a_model_whatever_it_makes_float(
    result: CompressionResult, keep: str | None
) -> None:
    """Which values need parameters is known only after the measurement; none may be missing then."""
    found = sorted({measured.qs for measured in result.quantized.measurements.values()})
    for threshold in [0.0, *found]:
        settings = clika.Settings()
        settings.global_quantization_settings.quantization_sensitivity_threshold = threshold or 1e-12
        if keep is not None:
            rule = clika.LayerQuantizationSettings(skip_quantization=False)
            settings.set_quantization_settings_for_layer(keep, rule)
        quantized = clika.compress(
            model(), settings=settings, calibration_data=images(8), output_dir=None
        ).quantized
        assert quantized.plan.skipped


def test_a_model_in_training_mode_is_left_as_it_was() -> None:
    network = copy.deepcopy(model()).train()
    before = copy.deepcopy(network.state_dict())
    clika.compress(
        network,
        calibration_data=images(8),
        evaluation=lambda m: m(torch.ones(2, 3, 12, 12))["features"].sum().item(),
        output_dir=None,
    )
    assert network.training
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0, msg=name)


def test_fine_tuning_is_refused_and_idle_settings_are_noted() -> None:
    settings = clika.Settings()
    settings.training_settings.print_interval = 5
    result = clika.compress(model(), settings=settings, calibration_data=images(8), output_dir=None)
    assert any(
        "training_settings.print_interval has no effect here" in note for note in result.report["notes"]
    )
    settings.global_quantization_settings.method = "qat"
    with pytest.raises(SettingsError, match="compress quantizes after training and cannot fine-tune"):
        clika.compress(model(), settings=settings, calibration_data=images(8), output_dir=None)


def test_bits_that_the_target_lacks_are_said_to_leave_nothing_quantized() -> None:
    settings = clika.Settings()
    settings.global_quantization_settings.activations_num_bits = 16
    result = clika.compress(model(), settings=settings, calibration_data=images(8), output_dir=None)
    assert any("no layer is quantized" in note for note in result.report["notes"])


@dataclass
class Guarded:
    """Calibration data whose first batch, which is an example too, may be read, and nothing more."""

    first: Tensor

    def __iter__(self) -> Iterator[Tensor]:
        yield self.first
        raise AssertionError("data is read for nothing")


def test_a_model_in_double_precision_is_refused_before_calibration_with_what_to_do() -> None:
    other = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)).eval().double()
    data = Guarded(torch.randn(8, 6, dtype=torch.float64))
    with pytest.raises(OutputError, match="double precision") as raised:
        clika.compress(other, calibration_data=data, output_dir=None)
    assert "model.float()" in str(raised.value)


def test_layers_that_no_file_can_hold_are_refused_before_calibration() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8, track_running_stats=False), nn.ReLU()).eval()
    with pytest.raises(OutputError, match=r"\(1\) cannot be written to ONNX"):
        clika.compress(model, calibration_data=Guarded(torch.randn(2, 3, 8, 8)), output_dir=None)
