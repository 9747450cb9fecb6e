"""Rows carry everything that was measured of a layer, in words."""

from __future__ import annotations

from typing import Any

from clika_core.pictures.preprocessed import preprocessed_picture
from clika_core.report_page.figure import figure
from clika_core.report_page.rows import layer_rows
from tests.core.pictures import networks

MEASURED: dict[str, Any] = {
    "name": "conv_1",
    "qs": 0.5,
    "abs_l2": 3.0,
    "calibration": {"samples": 7, "min": -1.0, "max": 2.5},
    "share_of_codes_used": 0.75,
    "quantization": {
        "activations": {
            "0": {
                "format": {"kind": "integer", "num_bits": 8, "is_signed": False},
                "granularity": {"kind": "per_tensor"},
                "scale": 0.5,
                "zero_point": 3,
            }
        },
        "weights": {
            "weight": {
                "format": {"kind": "integer", "num_bits": 4, "is_signed": True},
                "granularity": {"kind": "per_group"},
                "scale": [[0.1, 0.2], [0.3, 0.4]],
                "zero_point": [[0, 0], [0, 0]],
            }
        },
    },
}


def row(name: str, report: dict[str, Any]) -> dict[str, Any]:
    plan = networks.residual()
    rows = layer_rows(plan.graph, plan, report, figure("<svg/>", preprocessed_picture(plan), plan))
    return next(found for found in rows if found["name"] == name)


def test_what_was_measured_is_told_in_words() -> None:
    equal = {"compared": 1000, "different": 1, "largest_difference": 1, "share_equal": 0.999}
    found = row("conv_1", {"layers": [MEASURED], "agreement": {"layers": {"conv_1": equal}}})
    assert found["qs"] == 0.5
    assert dict(map(tuple, found["details"])) == {
        "absolute error (L2)": "3.00",
        "range seen": "-1.000 to 2.500, in 7 samples",
        "codes used": "75.00 %",
        "output codes": "uint8, scale 0.500, zero point 3",
        "weight codes": "int4 per group, 4 scales 0.100 to 0.400",
        "equal to the runtime": "99.9000 % of 1,000 codes, the others by up to 1",
    }


def test_without_a_report_the_plan_s_sensitivity_stands() -> None:
    found = row("conv_1", {})
    assert (found["qs"], found["details"]) == (0.0123, [])
    assert dict(map(tuple, found["facts"]))["weights"] == "weight [16, 3, 3, 3]"


def test_only_the_head_of_a_group_stands_for_it_in_the_chart() -> None:
    assert row("conv_1", {})["is_head"]
    assert not row("relu_1", {})["is_head"]
    assert row("relu_1", {})["why"] == ["fused into conv_1"]
