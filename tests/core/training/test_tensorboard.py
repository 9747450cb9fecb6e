"""What TensorBoard's own reader finds in the event file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from clika_core.errors import MissingDependencyError
from clika_core.training.summary import History
from clika_core.training.tensorboard import TensorBoardCallback

REPORT = {
    "layers": [{"name": "conv_1", "qs": 0.5}, {"name": "odd", "qs": "nan"}, {"name": "linear_1", "qs": 0.25}]
}


def test_scalars_qs_and_pictures_are_written(tmp_path: Path) -> None:
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    (tmp_path / "model_init.dot").write_text("digraph {}", encoding="utf-8")
    callback = TensorBoardCallback(tmp_path / "board")
    callback.on_start(tmp_path, REPORT)
    callback.on_step(1, {"total": 2.0, "broken": float("nan")})
    callback.on_epoch(1, History().with_epoch(1, {"training": {"total": 1.5}, "evaluation": {}}).summary(1))
    callback.on_end()
    callback.on_end()
    (file,) = (tmp_path / "board").iterdir()
    events = [event for event in loader.LegacyEventFileLoader(str(file)).Load() if event.summary.value]
    found = {
        (event.summary.value[0].tag, event.step): event.summary.value[0].simple_value for event in events
    }
    assert found["quantization_sensitivity", 0] == 0.5
    assert found["quantization_sensitivity", 1] == 0.25
    assert found["step/total", 1] == 2.0
    assert found["training/total", 1] == 1.5
    assert {("quantization_sensitivity/text", 0), ("model_init/text", 0)} <= set(found)
    assert not any("broken" in tag for tag, _ in found)


def test_a_missing_tensorboard_is_said_when_training_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto.event_pb2", None)
    callback = TensorBoardCallback(tmp_path)
    with pytest.raises(MissingDependencyError, match="TensorBoardCallback needs TensorBoard"):
        callback.on_start(tmp_path, {})
