"""The shipped files are data, hold what they are said to hold, and are fit for int8."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from clika_core.demo.architecture import NORM_EPSILON
from clika_core.demo.data import SPLIT_PER_CLASS
from clika_core.demo.weights import (
    TRAINING_LOG_FILE,
    WEIGHTS_FILE,
    load_weights,
    save_weights,
    shipped_file,
)
from clika_core.errors import DataError

CONVOLUTIONS = {
    "stem": (32, 1, 3, 3),
    "widen": (64, 32, 3, 3),
    "residual_1.first": (64, 64, 3, 3),
    "residual_1.second": (64, 64, 3, 3),
    "inverted_1.expand": (128, 64, 1, 1),
    "inverted_1.depthwise": (128, 1, 3, 3),
    "inverted_1.project": (64, 128, 1, 1),
    "down.first": (96, 64, 3, 3),
    "down.second": (96, 96, 3, 3),
    "down.shortcut": (96, 64, 1, 1),
    "residual_2.first": (96, 96, 3, 3),
    "residual_2.second": (96, 96, 3, 3),
    "inverted_2.expand": (192, 96, 1, 1),
    "inverted_2.depthwise": (192, 1, 3, 3),
    "inverted_2.project": (96, 192, 1, 1),
}
"""The table of `clika_core.demo.architecture`, read by a person."""


def test_the_shipped_tensors_are_those_of_the_documented_table() -> None:
    expected: dict[str, tuple[int, ...]] = {"head.weight": (10, 96), "head.bias": (10,)}
    for path, shape in CONVOLUTIONS.items():
        expected[f"{path}.weight"] = shape
        expected |= {f"{path}.{what}": shape[:1] for what in ("gamma", "beta", "mean", "variance")}
    weights = load_weights()
    assert {name: array.shape for name, array in weights.items()} == expected
    assert {array.dtype for array in weights.values()} == {np.dtype(np.float32)}


def test_the_assets_are_one_safetensors_file_and_one_json_file_and_no_pickle() -> None:
    folder = shipped_file(WEIGHTS_FILE).parent
    assert sorted(path.name for path in folder.iterdir()) == [WEIGHTS_FILE, TRAINING_LOG_FILE]
    content = (folder / WEIGHTS_FILE).read_bytes()
    (header_bytes,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + header_bytes])
    data_bytes = max(tensor["data_offsets"][1] for tensor in header.values())
    assert len(content) == 8 + header_bytes + data_bytes
    assert {tensor["dtype"] for tensor in header.values()} == {"F32"}


def test_the_log_tells_how_the_weights_were_made_and_that_they_are_good_enough() -> None:
    log = json.loads(shipped_file(TRAINING_LOG_FILE).read_text(encoding="utf-8"))
    assert log["images"] == {name: 10 * SPLIT_PER_CLASS[name] for name in ("train", "validation", "test")}
    assert [entry["epoch"] for entry in log["epochs"]] == list(range(1, log["recipe"]["epochs"] + 1))
    assert {"python", "torch", "numpy"} <= set(log["versions"])
    assert log["test_accuracy"] >= 0.985


@pytest.mark.parametrize("path", CONVOLUTIONS)
def test_folded_weights_of_no_channel_are_dead_or_blown_up(path: str) -> None:
    weights = load_weights()
    factor = weights[f"{path}.gamma"] / np.sqrt(weights[f"{path}.variance"] + NORM_EPSILON)
    largest = np.abs(weights[f"{path}.weight"] * factor[:, None, None, None]).max(axis=(1, 2, 3))
    assert largest.min() > 0.01
    assert largest.max() < 10


def test_what_is_saved_is_loaded_again_whatever_its_memory_order(tmp_path: Path) -> None:
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4).transpose(2, 0, 1)
    save_weights({"b": array, "a": array[0]}, tmp_path / "weights.safetensors")
    loaded = load_weights(tmp_path / "weights.safetensors")
    np.testing.assert_array_equal(loaded["b"], array)
    np.testing.assert_array_equal(loaded["a"], array[0])
    assert [path.name for path in tmp_path.iterdir()] == ["weights.safetensors"]


@pytest.mark.parametrize("content", [None, b"", b"\x80\x04K\x01."], ids=["missing", "empty", "pickle"])
def test_a_file_that_holds_no_weights_is_refused(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match="cannot read the demo's weights"):
        load_weights(path)
