"""`clika sensitivity`: the table, the JSON, and that planning takes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clika_core.cli.sensitivity import _bars
from docs.generators.files import SENSITIVITY, SENSITIVITY_LAYER
from tests.core.cli import my_network
from tests.core.cli.conftest import Clika
from tests.core.loopback.registered import loopback_registered

MEASURE = ("sensitivity", "tests.core.cli.my_network:make", "--data", "data.npz")


@pytest.fixture(autouse=True)
def _user(tmp_path: Path) -> Iterator[None]:
    my_network.write_npz(str(tmp_path / "data.npz"))
    with loopback_registered():
        yield


def layers(text: str) -> dict[str, dict[str, Any]]:
    return {layer["name"]: layer for layer in json.loads(text)["layers"]}


def test_every_layer_that_can_be_quantized_is_measured_whatever_the_rules_say(clika: Clika) -> None:
    Path("s.yaml").write_text(
        "layer_settings: {conv_1: {quantization_settings: {skip_quantization: true}}}\n"
        "global_quantization_settings: {quantization_sensitivity_threshold: 0.000001}\n"
    )
    outcome = clika(*MEASURE, "-s", "s.yaml", "--format", "json")
    assert outcome.code == 0, outcome.err
    found = layers(outcome.out)
    assert all(found[name]["qs"] > 0 for name in ("conv_1", "linear_1", "linear_3"))
    assert found["relu_1"]["qs"] == found["conv_1"]["qs"]
    assert found["batch_norm_1"]["qs"] is None
    assert found["batch_norm_1"]["not_measured"] == "folded into conv_1"
    assert found["conv_1"]["qs_task"] is None
    assert list(json.loads(outcome.out)) == list(SENSITIVITY)
    assert list(found["conv_1"]) == list(SENSITIVITY_LAYER)


def test_the_table_is_sorted_with_bars_and_advice(clika: Clika) -> None:
    Path("s.yaml").write_text("global_quantization_settings: {quantization_sensitivity_threshold: 0.001}\n")
    outcome = clika(*MEASURE, "-s", "s.yaml")
    rows = [line.split() for line in outcome.out.splitlines()]
    assert rows[0][:3] == ["layer", "type", "QS"]
    table = rows[1 : rows.index([])]
    values = [float(row[2]) for row in table]
    assert values == sorted(values, reverse=True)
    bars = [len(row[-1]) for row in table]
    assert bars == sorted(bars, reverse=True)
    assert (bars[0], bars[-1]) == (24, 1)
    assert "above 0.001: " in outcome.out
    assert "quantization_sensitivity_threshold: 0.001" in outcome.out
    in_order = clika(*MEASURE, "--sort", "order").out.splitlines()
    assert in_order[1].startswith("conv_1 ")


def test_the_whole_model_is_measured_on_request(clika: Clika) -> None:
    outcome = clika(*MEASURE, "--cumulative", "--task", "--format", "json")
    found = layers(outcome.out)
    assert found["conv_1"]["qs_cumulative"] == pytest.approx(found["conv_1"]["qs"])
    assert 0 < found["conv_1"]["qs_task"] < 1
    assert "cumulative" in clika(*MEASURE, "--cumulative").out.splitlines()[0]


def test_planning_takes_what_was_written(clika: Clika) -> None:
    assert clika(
        "trace",
        "tests.core.cli.my_network:make",
        "--input",
        "image=f32[2,3,8,8]",
        "--input",
        "facts=f32[2,4]",
    )
    outcome = clika(*MEASURE, "-o", "qs.json")
    assert "written to qs.json" in outcome.out
    found = layers(Path("qs.json").read_text())
    value = found["conv_1"]["qs"]
    Path("s.yaml").write_text(
        f"global_quantization_settings: {{quantization_sensitivity_threshold: {value / 2}}}\n"
    )
    planned = clika("plan", "model.graph.json", "-s", "s.yaml", "--sensitivity", "qs.json")
    assert planned.code == 0, planned.err
    assert f"sensitivity {value:.6g} > {value / 2:.6g}" in planned.out


def test_bars_take_what_is_no_number() -> None:
    assert _bars([float("inf"), 1.0, 0.1, 0.0, float("nan")]) == ["█" * 24, "█" * 24, "█", "", "?"]
    assert _bars([0.0]) == [""]
    assert _bars([0.5, 0.5]) == ["█" * 24] * 2
