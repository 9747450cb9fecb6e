"""The report holds every field of its contract, as strict JSON: what is not finite is a string."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from clika_core.deployment.code_agreement import CodeAgreement
from clika_core.ir.costs import multiply_accumulates, weight_bytes
from clika_core.numerics import QuantParams
from clika_core.pipeline.quantization import Quantized
from clika_core.pipeline.report import Outcome, report_json, write_report
from clika_core.settings.model import Settings
from clika_loopback.model import LoopbackModel
from docs.generators.files import LAYER as LAYER_MEMBERS
from docs.generators.files import REPORT
from tests.core.loopback.networks import Sketch, batches
from tests.core.loopback.quantizing import quantized, settings_with

OUTCOME = Outcome(
    accuracy={"float": 0.75, "quantized": None},
    agreement={"conv_1": CodeAgreement(10, 1, 2)},
    end_to_end={"relative_l2": math.inf},
    sizes_bytes={"file_float": 100},
    latency_seconds={"float": 0.5},
    notes=("something to know",),
)
TOP = (
    "format version graph target settings seed versions cpu_flags layers borders diagnostics calibration "
    "improvements accuracy metric evaluation agreement sizes_bytes latency_seconds timings_seconds learning_rate "
    "notes"
).split()
LAYER = (
    "name type path precision group into causes overridden weights_num_bits activations_num_bits calibration "
    "quantization share_of_codes_used "
    "multiply_accumulates weight_bytes qs abs_l2 sqnr_db"
).split()


def network() -> LoopbackModel:
    s = Sketch(2, "reported")
    h = s.op("relu", s.batch_norm(s.conv(s.input("x", 4, 6, 6), 4, 4, path="stem.conv"), 4), path="stem.relu")
    zero = s.op("relu", s.op("mul", s.op("abs", h), -1.0))
    return s.output(s.op("tanh", s.conv(s.op("add", h, zero), 4, 4)))


def made() -> tuple[Quantized, Settings, dict[str, Any]]:
    settings = settings_with(skip=["conv_2"])
    found = quantized(model := network(), batches(model), settings=settings)
    return found, settings, report_json(found, settings, OUTCOME, seed=7)


def strict(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def layers(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {layer["name"]: layer for layer in report["layers"]}


def test_every_field_of_the_contract_is_there() -> None:
    found, settings, report = made()
    assert list(report) == TOP
    for layer in report["layers"]:
        assert sorted(layer) == sorted(LAYER)
    assert report["graph"]["fingerprint"] == found.plan.graph.fingerprint
    assert (report["target"], report["seed"]) == ("ort", 7)
    assert report["settings"] == settings.to_json()
    assert report["calibration"] == {"batches": 3, "samples": 24}
    assert list(layers(report)) == [node.name for node in found.plan.graph.layers]


def test_a_layer_s_entry_says_what_was_decided_seen_and_measured() -> None:
    found, _, report = made()
    conv = layers(report)["conv_1"]
    node, measured = found.plan.graph["conv_1"], found.measurements["conv_1"]
    observer = found.calibration.observers["relu_1", 0]
    assert (conv["path"], conv["precision"], conv["group"]) == ("stem.conv", "quantized", "conv_1")
    assert conv["calibration"] == {
        "samples": 24,
        "min": observer.extent.min_value,
        "max": observer.extent.max_value,
        "constant": False,
        "non_finite": 0,
    }
    params = found.parameters.activations["relu_1", 0]
    assert QuantParams.from_json(conv["quantization"]["activations"]["0"]) == params
    weight = found.parameters.weights["conv_1", "weight"]
    assert QuantParams.from_json(conv["quantization"]["weights"]["weight"]) == weight
    assert 0 < conv["share_of_codes_used"] <= 1
    assert (conv["qs"], conv["abs_l2"], conv["sqnr_db"]) == (measured.qs, measured.abs_l2, measured.sqnr_db)
    assert conv["multiply_accumulates"] == multiply_accumulates(node) > 0
    assert conv["weight_bytes"] == weight_bytes(node) > 0


def test_float_and_removed_layers_say_why() -> None:
    _, _, report = made()
    found = layers(report)
    (cause,) = found["conv_2"]["causes"]
    assert (found["conv_2"]["precision"], cause["kind"], cause["selector"]) == ("float", "rule", "conv_2")
    assert found["conv_2"]["qs"] > 0  # measured as if there were no rule
    assert (found["batch_norm_1"]["precision"], found["batch_norm_1"]["into"]) == ("removed", "conv_1")
    assert found["tanh_1"]["causes"][0]["kind"] == "unsupported"
    assert found["tanh_1"]["qs"] is None


def test_outcomes_are_taken_over() -> None:
    _, _, report = made()
    assert report["accuracy"] == {"float": 0.75, "quantized": None}
    assert report["agreement"]["layers"]["conv_1"] == {
        "compared": 10,
        "different": 1,
        "largest_difference": 2,
        "share_equal": 0.9,
    }
    assert report["sizes_bytes"] == {"file_float": 100}
    assert report["latency_seconds"] == {"float": 0.5}
    assert report["notes"] == ["something to know"]
    assert set(report["timings_seconds"]) == {"plan", "preprocess", "calibrate", "sensitivity", "quantize"}


def test_the_written_report_is_strict_json_with_strings_for_what_is_not_finite(tmp_path: Path) -> None:
    _, _, report = made()
    report["agreement"]["end_to_end"] |= {"down": -math.inf, "none": math.nan, "inside": [math.inf, (1.0,)]}
    write_report(tmp_path / "report.json", report)
    text = (tmp_path / "report.json").read_text(encoding="utf-8")
    read = strict(text)
    assert text.endswith("}\n")
    assert read["agreement"]["end_to_end"] == {
        "relative_l2": "inf",
        "down": "-inf",
        "none": "nan",
        "inside": ["inf", [1.0]],
    }
    assert layers(read)["relu_2"]["sqnr_db"] == "inf"  # nothing but zeros, and no error
    assert layers(read)["relu_2"]["calibration"]["constant"] is True


def test_a_report_says_where_its_numbers_come_from() -> None:
    _, _, report = made()
    assert {"python", "numpy", "onnxruntime"} <= set(report["versions"])
    assert isinstance(report["cpu_flags"], list)
    assert "/" not in json.dumps(report["versions"])


@pytest.mark.parametrize("field", ["calibration", "share_of_codes_used"])
def test_a_layer_that_nobody_quantizes_was_not_observed(field: str) -> None:
    s = Sketch()
    model = s.output(s.op("tanh", s.input("x", 8)))
    found = quantized(model, batches(model))
    report = report_json(found, Settings(), Outcome(), seed=0)
    assert layers(report)["tanh_1"][field] is None


def test_the_reference_page_describes_every_member() -> None:
    _, _, report = made()
    assert list(REPORT) == list(report)
    assert sorted(LAYER_MEMBERS) == sorted(report["layers"][0])
