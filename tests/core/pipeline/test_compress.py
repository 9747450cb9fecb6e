"""`compress`, end to end, over a backend that is a stranger's: everything is written, or nothing."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import clika_core as clika
from clika_core.deployment.lowerings import LOWERINGS
from clika_core.deployment.onnx_runtime import Session
from clika_core.errors import DataError, ModelError, OutputError, SettingsError, TargetError
from clika_loopback.model import LoopbackModel
from tests.core.loopback.networks import Sketch, batches
from tests.core.loopback.quantizing import settings_with

PICTURES = [f"model_{stage}.{kind}" for stage in ("init", "post_preprocessing") for kind in ("dot", "svg")]


def network() -> LoopbackModel:
    s = Sketch(5, "classifier")
    h = s.op("relu", s.batch_norm(s.conv(s.input("image", 4, 6, 6), 4, 8), 8))
    h = s.op("flatten", s.op("adaptive_avg_pool", h, output_size=(1, 1)))
    return s.output(s.linear(h, 8, 3))


IMAGES = np.concatenate([x for (x,) in batches(network(), count=6)])


def compress(folder: Path | None, model: Any = None, data: Any = None, **more: Any) -> Any:
    return clika.compress(
        network() if model is None else model,
        calibration_data=IMAGES if data is None else data,
        output_dir=folder,
        batch_size=16,
        **more,
    )


def test_everything_is_written_and_says_the_same(tmp_path: Path) -> None:
    result = compress(tmp_path / "outputs", seed=11)
    folder = tmp_path / "outputs"
    written = set(os.listdir(folder))
    assert {"classifier.onnx", "clika_report.json", "model.graph.json", "report.html"} <= written
    assert {name for name in PICTURES if name.endswith(".dot")} <= written
    assert result.deployed_path == folder / "classifier.onnx"
    report = json.loads((folder / "clika_report.json").read_text())
    assert report["seed"] == 11
    assert clika.load_graph(folder / "model.graph.json").fingerprint == report["graph"]["fingerprint"]
    assert result.report["graph"] == report["graph"]
    assert report["graph"]["backend"] == "loopback"
    assert report["calibration"] == {"batches": 3, "samples": 48}
    assert report["agreement"]["layers"]
    assert all(layer["share_equal"] >= 0.9999 for layer in report["agreement"]["layers"].values())
    assert report["agreement"]["end_to_end"]["relative_l2_simulated_deployed"] < 1e-6
    assert report["accuracy"] == {"float": None, "quantized": None}
    onnx.checker.check_model(str(result.deployed_path), full_check=True)


def test_the_native_model_takes_what_the_user_s_takes_and_gives_what_was_deployed(tmp_path: Path) -> None:
    result = compress(tmp_path / "outputs")
    x = IMAGES[:5]
    found = result.model(x)
    assert found.shape == network()(x).shape
    (shipped,) = Session(str(result.deployed_path)).run([x])
    np.testing.assert_allclose(found, shipped, atol=1e-6)
    assert 0 < np.linalg.norm(found - network()(x)) < 0.05 * np.linalg.norm(found)
    np.testing.assert_array_equal(result.model(image=x), found)


def test_the_tail_is_float_and_the_rest_is_not() -> None:
    result = compress(None)
    assert result.plan.skipped == ("linear_1",)
    assert result.plan.removed == {"batch_norm_1": "conv_1"}


def test_evaluation_sees_a_float_copy_and_the_quantized_model_never_the_user_s_own() -> None:
    seen: list[Any] = []

    def evaluation(model: Callable[[Any], Any]) -> float:
        seen.append(model)
        return float(np.mean(model(IMAGES).argmax(1) == 0))

    model = network()
    result = compress(None, model, evaluation=evaluation)
    assert model not in seen
    assert seen[1] is result.model
    assert set(result.report["accuracy"]) == {"float", "quantized"}
    assert result.report["accuracy"]["float"] == pytest.approx(
        result.report["accuracy"]["quantized"], abs=0.1
    )


def test_nothing_is_written_where_no_folder_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = compress(None)
    assert result.deployed_path is None
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "data",
    [
        {"image": IMAGES},
        [IMAGES[:16], IMAGES[16:32]],
        [(IMAGES[:16],)],
        [{"image": IMAGES[:16]}],
        iter([IMAGES[:16], IMAGES[16:]]),
    ],
    ids=["dict", "list", "tuples", "dicts", "iterator"],
)
def test_data_may_come_in_every_form(data: Any) -> None:
    assert compress(None, data=data).report["calibration"]["samples"] in (16, 32, 48)


def test_only_the_first_batches_calibrate() -> None:
    settings = settings_with()
    settings.training_settings.stats_steps = 2
    assert compress(None, settings=settings).report["calibration"] == {"batches": 2, "samples": 32}


def test_settings_target_and_example_inputs_are_heeded() -> None:
    s = Sketch()
    x = s.input("x", 8)
    model = s.output(s.linear(s.op("relu", s.linear(x, 8, 8)), 8, 3))
    data = batches(model)
    settings = settings_with(skip=["linear_2"])
    result = compress(None, model, data, settings=settings, target="loopback_edge", example_inputs=data[1])
    assert result.plan.target == "loopback_edge"
    assert result.plan["linear_2"].causes[0].selector == "linear_2"
    params = result.quantized.parameters.weights["linear_1", "weight"]
    assert params.scale.shape == ()


def test_the_target_of_the_settings_is_used_where_none_is_given() -> None:
    settings = settings_with()
    settings.deployment_settings.target_framework = "loopback_edge"
    assert compress(None, settings=settings).plan.target == "loopback_edge"


def test_results_keep_the_structure_of_the_user_s_model() -> None:
    s = Sketch()
    x = s.input("x", 8)
    s.model.output(s.linear(x, 8, 3), "scores")
    s.model.output(s.op("relu", x), "features")
    data = batches(s.model)
    result = compress(None, s.model, data)
    assert set(result.model(*data[0])) == {"scores", "features"}


def test_progress_names_every_step() -> None:
    steps: list[str] = []
    compress(None, progress=steps.append)
    assert steps == [
        "trace",
        "plan",
        "preprocess",
        "prepare",
        "calibrate",
        "sensitivity",
        "quantize",
        "improve",
        "deploy",
    ]


def test_a_used_folder_is_refused_and_replaced_on_request(tmp_path: Path) -> None:
    folder = tmp_path / "outputs"
    folder.mkdir()
    (folder / "mine").write_text("")
    with pytest.raises(OutputError, match="is in use"):
        compress(folder)
    assert os.listdir(folder) == ["mine"]
    compress(folder, overwrite=True)
    assert "mine" not in os.listdir(folder)
    assert "classifier.onnx" in os.listdir(folder)


def with_nan() -> np.ndarray[Any, Any]:
    broken = IMAGES.copy()
    broken[20, 0, 0, 0] = np.nan
    return broken


def unknown_rule() -> Any:
    return settings_with(skip=["conv_9"])


def unwritable() -> LoopbackModel:
    s = Sketch()
    return s.output(s.op("rms_norm", s.conv(s.input("image", 4, 6, 6), 4, 4)))


MISTAKES: dict[str, tuple[dict[str, Callable[[], Any]], type[Exception], str]] = {
    "NaN in the data": (
        {"data": with_nan},
        DataError,
        "input 'image' holds values that are not finite in calibration batch 1",
    ),
    "no data": ({"data": lambda: IMAGES[:0]}, DataError, "the data has no batch"),
    "a wrong shape": ({"data": lambda: IMAGES[:, :2]}, DataError, "input 'image' has a shape"),
    "a wrong dtype": (
        {"data": lambda: IMAGES.astype(np.float64)},
        DataError,
        "input 'image' has another dtype",
    ),
    "an unknown layer": ({"settings": unknown_rule}, SettingsError, "conv_9"),
    "an unknown target": ({"target": lambda: "orx"}, TargetError, "there is no deployment target 'orx'"),
    "no model": ({"model": lambda: 3}, ModelError, "no backend takes a builtins.int"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_named_and_leaves_nothing_behind(case: str, tmp_path: Path) -> None:
    given, kind, message = MISTAKES[case]
    with pytest.raises(kind, match=message):
        compress(tmp_path / "outputs", **{name: make() for name, make in given.items()})
    assert os.listdir(tmp_path) == []


def test_a_layer_that_cannot_be_written_is_named_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(LOWERINGS, "rms_norm")
    with pytest.raises(OutputError, match="'rms_norm_1' cannot be written to ONNX"):
        compress(tmp_path / "outputs", unwritable())
    assert os.listdir(tmp_path) == []


def test_the_result_is_the_same_every_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        compress(tmp_path / name)
    for file in ("classifier.onnx", "model.graph.json", "model_init.dot"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes(), file


def test_without_templates_everything_but_the_page_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    result = compress(tmp_path / "outputs")
    written = set(os.listdir(tmp_path / "outputs"))
    assert {"classifier.onnx", "clika_report.json"} <= written
    assert "report.html" not in written
    assert any("report.html is not written" in note for note in result.report["notes"])
