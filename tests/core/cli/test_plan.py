"""`clika plan`: the table, the JSON form, and the messages for what can be wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clika_core.ir.graph import Graph
from tests.core.cli.conftest import Clika

RULE = """\
layer_settings:
  adaptive_avg_pool_1:
    quantization_settings:
      skip_quantization: true
      skip_quantization_until: [linear_1]
"""

TABLE = """\
conv_1               conv               quantized
batch_norm_1         batch_norm         removed    folded into conv_1
relu_1               relu               quantized  fused into conv_1
adaptive_avg_pool_1  adaptive_avg_pool  float      rule 'adaptive_avg_pool_1' (s.yaml:2)
flatten_1            flatten            float      rule 'adaptive_avg_pool_1' (s.yaml:2) until linear_1; follows \
float adaptive_avg_pool_1
linear_1             linear             float      rule 'adaptive_avg_pool_1' (s.yaml:2) until linear_1
linear_2             linear             float      tail of output_1

target ort: 2 quantized, 4 float, 1 removed; 2 borders
"""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "s.yaml"
    path.write_text(RULE)
    return path


def test_the_table_tells_every_layer_s_decision_and_causes(
    clika: Clika, classifier: Graph, settings: Path
) -> None:
    assert classifier.layers
    outcome = clika("plan", "model.graph.json", "-s", settings.name)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == TABLE


def test_the_json_form_has_the_fields_of_the_contract(
    clika: Clika, classifier: Graph, settings: Path
) -> None:
    plan = json.loads(clika("plan", "model.graph.json", "-s", settings.name, "--format", "json").out)
    assert plan["graph"] == classifier.fingerprint
    assert plan["target"] == "ort"
    layers = {layer["name"]: layer for layer in plan["layers"]}
    assert layers["relu_1"]["group"] == "conv_1"
    assert layers["linear_1"]["precision"] == "float"
    assert layers["linear_1"]["causes"] == [
        {
            "kind": "rule",
            "how": "until",
            "selector": "adaptive_avg_pool_1",
            "location": {"file": "s.yaml", "line": 2, "column": 3},
            "of": ["linear_1"],
        }
    ]
    assert [border["name"] for border in plan["borders"]] == ["x_quantized", "relu_1_dequantized"]


def test_a_misspelt_target_layer_is_an_error_with_place_and_suggestion(
    clika: Clika, classifier: Graph, settings: Path
) -> None:
    assert "linear_1" in classifier
    settings.write_text(RULE.replace("linear_1", "liner_1"))
    outcome = clika("plan", "model.graph.json", "-s", settings.name)
    assert (outcome.code, outcome.out) == (2, "")
    assert "error: s.yaml:5: no layer matches 'liner_1'" in outcome.err
    assert "did you mean 'linear_1'" in outcome.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("global_quantization_settings: {skip_tail_quantisation: false}", "skip_tail_quantization"),
        ("layer_settings: [", "s.yaml:1"),
        ("training_settings: {stats_steps: many}", "stats_steps"),
    ],
)
def test_a_broken_settings_file_is_one_clear_message(
    clika: Clika, classifier: Graph, settings: Path, text: str, said: str
) -> None:
    assert classifier.layers
    settings.write_text(text)
    outcome = clika("plan", "model.graph.json", "-s", settings.name)
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err
    assert "Traceback" not in outcome.err


def test_a_file_that_is_no_graph_is_one_clear_message(clika: Clika, tmp_path: Path) -> None:
    (tmp_path / "g.json").write_text('{"format": "something else"}')
    outcome = clika("plan", "g.json")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("error: ")


def test_a_report_of_another_graph_is_refused(clika: Clika, classifier: Graph, tmp_path: Path) -> None:
    assert classifier.layers
    report = {"format": "clika-report", "graph": {"fingerprint": "0" * 64}, "layers": []}
    (tmp_path / "r.json").write_text(json.dumps(report))
    outcome = clika("plan", "model.graph.json", "--sensitivity", "r.json")
    assert outcome.code == 2
    assert "belongs to another graph" in outcome.err


def test_measured_sensitivity_above_the_threshold_is_a_cause(
    clika: Clika, classifier: Graph, settings: Path, tmp_path: Path
) -> None:
    settings.write_text("global_quantization_settings: {quantization_sensitivity_threshold: 0.1}")
    layers = [{"name": "linear_1", "qs": 0.5, "abs_l2": 3.0}, {"name": "conv_1", "qs": "nan"}]
    report = {"format": "clika-report", "graph": {"fingerprint": classifier.fingerprint}, "layers": layers}
    (tmp_path / "r.json").write_text(json.dumps(report))
    out = clika("plan", "model.graph.json", "-s", settings.name, "--sensitivity", "r.json").out
    assert "linear_1             linear             float      sensitivity 0.5 > 0.1" in out
    assert "conv_1               conv               float      sensitivity nan > 0.1" in out
