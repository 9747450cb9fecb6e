"""Cards and tables say what the report holds, in both of its spellings, and nothing where it is silent."""

from __future__ import annotations

from typing import Any

from clika_core.report_page.summary import cards, models, outputs_table, settings_pairs
from tests.core.pictures import networks

DEMO: dict[str, Any] = {
    "metric": "top1",
    "accuracy": {"float": 0.996, "simulated int8": 0.995, "deployed int8": 0.994, "peer": 0.99},
    "latency_seconds": {"float": 0.0006, "deployed int8": 0.0003, "peer": 0.0002},
    "sizes_bytes": {
        "file_float": 4000,
        "file_quantized": 1000,
        "file_peer": 1100,
        "weights_float": 3900,
        "weights_quantized": 900,
    },
    "agreement": {
        "end_to_end": {"top1_simulated_deployed": 1.0, "relative_l2_deployed_int8": 0.01},
        "layers": {
            "x": {"compared": 10, "different": 0, "share_equal": 1.0},
            "y": {"compared": 5, "different": 1, "share_equal": 0.8},
        },
    },
}
COMPRESS: dict[str, Any] = {
    "accuracy": {"float": 31.5, "quantized": 30.25},
    "latency_seconds": {"float": 0.001, "int8": 0.002},
    "agreement": {"end_to_end": {"relative_l2_deployed_float": 0.05}, "layers": {}},
}


def values(report: dict[str, Any]) -> dict[str, tuple[str, tuple[str, ...]]]:
    plan = networks.residual()
    return {card.title: (card.value, card.details) for card in cards(plan.graph, plan, report)}


def test_the_cards_of_the_demo() -> None:
    found = values(DEMO)
    assert found["Accuracy, deployed int8"] == ("99.40 %", ("float 99.60 %", "simulated int8 99.50 %"))
    assert found["File size"] == ("4.00 × smaller", ("4 kB → 1 kB", "weights alone 4.33 × smaller"))
    assert found["Latency"][0] == "2.00 × faster"
    assert found["Runtime equals simulation"][0] == "80.0000 %"
    assert found["Runtime equals simulation"][1][0] == "same class for 100.00 % of the samples"


def test_a_run_that_got_slower_says_so() -> None:
    assert values(COMPRESS)["Latency"][0] == "2.00 × slower"


def test_a_score_without_a_known_metric_is_no_percentage() -> None:
    assert values(COMPRESS)["Accuracy, simulated int8"] == ("30.25", ("float 31.50",))


def test_the_largest_sensitivity_is_that_of_a_layer_that_is_quantized() -> None:
    assert values({})["Largest QS, quantized"] == ("0.0123", ("layer conv_1",))


def test_without_a_report_only_the_plan_speaks() -> None:
    plan = networks.residual()
    assert set(values({})) == {"Layers", "Work in integers", "Largest QS, quantized"}
    assert [card.title for card in cards(plan.graph, None, {})] == ["Layers", "Multiply-accumulates"]


def test_models_stand_side_by_side_with_what_was_measured_of_each() -> None:
    rows = {model.name: (model.score, model.distance, model.latency, model.size) for model in models(DEMO)}
    assert rows["float"] == ("99.60 %", "–", "0.600 ms", "4 kB")
    assert rows["deployed int8"] == ("99.40 %", "0.0100", "0.300 ms", "1 kB")
    assert rows["peer"] == ("99.00 %", "–", "0.200 ms", "1 kB")
    assert {model.name: model.distance for model in models(COMPRESS)}["deployed int8"] == "0.0500"


def test_settings_read_as_a_file_would_say_them() -> None:
    found = settings_pairs(
        {"a": {"x": None, "y": True, "z": 1, "w": [1, "b"], "r": {"skip": True, "bits": None}}, "odd": 3}
    )
    assert found == [("a", [("x", "null"), ("y", "true"), ("z", "1"), ("w", "[1, b]"), ("r", "skip: true")])]


def test_an_evaluation_of_several_outputs_has_a_row_for_each() -> None:
    outputs = {
        "output_1 (boxes)": {"quantized": 0.5, "deployed": 0.25},
        "output_2": {"quantized": 0.1, "deployed": "nan"},
    }
    report = {
        "evaluation": {"relative_l2": {"quantized": 0.3, "deployed": 0.2}, "outputs": outputs},
        **COMPRESS,
    }
    assert {model.name: model.distance for model in models(report)}["simulated int8"] == "0.300"
    assert {model.name: model.distance for model in models(report)}["deployed int8"] == "0.200"
    names, rows = outputs_table(report)
    assert names == ["simulated int8", "deployed int8"]
    assert rows == [("output_1 (boxes)", ["0.500", "0.250"]), ("output_2", ["0.100", "not a number"])]
    assert outputs_table(COMPRESS) == ([], [])
