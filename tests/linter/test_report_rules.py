"""Rules about reports take whatever a report may hold, and are silent on a good one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clika_core.errors import SettingsError
from clika_core.settings.load import read_document
from clika_linter.availability import missing
from clika_linter.context import Context
from clika_linter.example_graphs import classifier
from clika_linter.report import report_from_json
from clika_linter.rule import Need
from clika_linter.rule_table import rules_in_files
from clika_linter.testing import graph_of

GRAPH = graph_of(classifier)
NAMES = [node.name for node in GRAPH.layers]
RULES = [rule for rule in rules_in_files() if Need.REPORT in rule.needs]
THRESHOLD = "global_quantization_settings: {quantization_sensitivity_threshold: 0.1}\n"
SKIP = "layer_settings: {conv_1: {quantization_settings: {skip_quantization: true}}}\n"

numbers = st.none() | st.floats(0, 1e6) | st.sampled_from(["inf", "-inf", "nan", -1.0, 0.0, 1e308])
scalars = st.none() | st.booleans() | st.integers(-300, 300) | st.floats() | st.text(max_size=3)
anything = st.recursive(
    scalars | st.sampled_from(["nan", "inf"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["0", "scale", "zero_point", "format"]), inner, max_size=3)
    ),
    max_leaves=8,
)
formats = st.just({"kind": "integer", "num_bits": 8, "is_signed": True, "code_range": "full"}) | anything
params = st.fixed_dictionaries({}, optional={"format": formats, "scale": anything, "zero_point": anything})
calibrations = st.fixed_dictionaries(
    {},
    optional={
        "samples": st.integers(0, 500),
        "min": numbers,
        "max": numbers,
        "constant": st.booleans(),
        "non_finite": st.integers(0, 3),
    },
)
layers = st.fixed_dictionaries(
    {"name": st.sampled_from([*NAMES, "gone_1"])},
    optional={
        "type": st.sampled_from(["conv", "relu", ""]),
        "group": st.sampled_from([*NAMES, "gone_1", None]),
        "qs": numbers,
        "abs_l2": numbers,
        "calibration": st.none() | calibrations,
        "share_of_codes_used": numbers,
        "quantization": st.fixed_dictionaries(
            {}, optional={"activations": st.just({}) | anything, "weights": anything}
        )
        | st.builds(lambda p: {"activations": {"0": p}, "weights": {"weight": p}}, params),
    },
)
reports = st.fixed_dictionaries(
    {"layers": st.lists(layers, max_size=8)},
    optional={
        "target": st.sampled_from(["ort", "tflite"]),
        "calibration": st.fixed_dictionaries({}, optional={"samples": st.integers(0, 300)}),
    },
)


def context_with(settings: str, content: dict[str, Any], reference: dict[str, Any]) -> Context:
    head = {"format": "clika-report", "version": 1, "graph": {"fingerprint": GRAPH.fingerprint}}
    found = [report_from_json({**head, **part}, "clika_report.json") for part in (content, reference)]
    return Context(read_document(settings, "settings.yaml"), GRAPH, *found)


@given(st.sampled_from(["", THRESHOLD, SKIP]), reports, reports)
def test_no_report_makes_a_rule_crash(
    settings: str, content: dict[str, Any], reference: dict[str, Any]
) -> None:
    try:
        context = context_with(settings, content, reference)
    except SettingsError:
        return
    for rule in RULES:
        if not missing(rule.needs, context):
            for finding in rule().check(context):
                assert finding.message
                assert set(finding.nodes) <= set(NAMES)


@pytest.mark.parametrize("settings", ["", THRESHOLD], ids=["defaults", "threshold"])
def test_rules_are_silent_on_a_good_report(settings: str) -> None:
    seen = {"samples": 320, "min": -3.0, "max": 3.0, "constant": False, "non_finite": 0}
    good = {
        "calibration": {"batches": 20, "samples": 320},
        "layers": [
            {"name": name, "qs": 0.01, "abs_l2": 2.0, "calibration": seen, "share_of_codes_used": 0.95}
            for name in NAMES
        ],
    }
    context = context_with(settings, good, good)
    assert [
        f.message for rule in RULES if not missing(rule.needs, context) for f in rule().check(context)
    ] == []
