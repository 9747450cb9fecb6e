"""What TensorBoard's own reader finds in the event file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from clika_core.errors import MissingDependencyError
from clika_core.pictures.svg import find_program
from clika_core.training.summary import History
from clika_core.training.tensorboard import TensorBoardCallback

REPORT = {
    "layers": [{"name": "conv_1", "qs": 0.5}, {"name": "odd", "qs": "nan"}, {"name": "linear_1", "qs": 0.25}]
}


@pytest.mark.skipif(find_program() is None, reason="no graphviz: see the next test")
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
    assert ("quantization_sensitivity/text", 0) in found
    images = {
        e.summary.value[0].tag: e.summary.value[0] for e in events if "picture" in e.summary.value[0].tag
    }
    assert set(images) == {"quantization_sensitivity/picture", "model_init/picture"}
    for value in images.values():
        (tensor,) = (
            [value.image.encoded_image_string] if value.HasField("image") else value.tensor.string_val[2:]
        )
        assert tensor.startswith(b"\x89PNG")
    assert not any("broken" in tag for tag, _ in found)


def test_a_picture_that_cannot_be_drawn_is_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    monkeypatch.setattr("clika_core.pictures.svg.find_program", lambda: None)
    (tmp_path / "model_init.dot").write_text("digraph {a}", encoding="utf-8")
    callback = TensorBoardCallback(tmp_path / "board")
    callback.on_start(tmp_path, {})
    callback.on_end()
    (file,) = (tmp_path / "board").iterdir()
    said = [e.summary.value[0] for e in loader.LegacyEventFileLoader(str(file)).Load() if e.summary.value]
    assert [value.tag for value in said] == ["model_init/text"]
    assert b"no graphviz found" in said[0].tensor.string_val[0]
    assert b"digraph {a}" in said[0].tensor.string_val[0]


def test_a_missing_tensorboard_is_said_before_anything_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(MissingDependencyError, match="TensorBoardCallback needs TensorBoard"):
        TensorBoardCallback(tmp_path)
