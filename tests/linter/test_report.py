"""Reports are read strictly: numbers with their words for infinity, and one message for anything else."""

from __future__ import annotations

import contextlib
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clika_core.errors import SettingsError
from clika_linter.report import read_report, report_from_json

HEAD: dict[str, Any] = {"format": "clika-report", "version": 1, "graph": {"fingerprint": "abc"}}
LAYER = {
    "name": "conv_1",
    "type": "conv",
    "precision": "quantized",
    "group": "conv_1",
    "calibration": {"samples": 640, "min": -1.5, "max": "inf", "constant": False, "non_finite": 3},
    "share_of_codes_used": 0.25,
    "qs": "nan",
    "abs_l2": 2,
    "sqnr_db": None,
}


def test_a_report_gives_what_it_holds() -> None:
    document = HEAD | {
        "layers": [LAYER],
        "target": "ort",
        "calibration": {"samples": 640, "batches": 20},
        "cpu_flags": ["avx2"],
        "learning_rate": 1e-4,
    }
    report = report_from_json(json.loads(json.dumps(document)), "r.json")
    assert (report.fingerprint, report.target, report.cpu_flags) == ("abc", "ort", ("avx2",))
    assert (report.calibration_samples, report.calibration_batches, report.learning_rate) == (640, 20, 1e-4)
    layer = report.layers["conv_1"]
    assert layer.qs is not None
    assert math.isnan(layer.qs)
    assert (layer.abs_l2, layer.sqnr_db, layer.share_of_codes_used) == (2.0, None, 0.25)
    assert layer.calibration is not None
    seen = layer.calibration
    assert (seen.samples, seen.max_value, seen.non_finite) == (640, math.inf, 3)
    assert set(report.sensitivities()) == {"conv_1"}


def test_a_report_may_hold_almost_nothing() -> None:
    report = report_from_json(HEAD, "r.json")
    assert (dict(report.layers), report.target, report.cpu_flags) == ({}, None, None)


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ([], "is no report"),
        ({"format": "clika-graph"}, "is no report"),
        (HEAD | {"graph": 3}, "at graph"),
        (HEAD | {"graph": {"fingerprint": 3}}, "at graph.fingerprint"),
        (HEAD | {"layers": {"conv_1": {}}}, "at layers"),
        (HEAD | {"layers": [3]}, "at layers[0]"),
        (HEAD | {"layers": [{}]}, "at layers[0].name"),
        (HEAD | {"layers": [{"name": "a", "qs": "big"}]}, "at layers[0].qs"),
        (HEAD | {"layers": [{"name": "a", "qs": True}]}, "at layers[0].qs"),
        (HEAD | {"layers": [{"name": "a", "qs": 10**400}]}, "at layers[0].qs"),
        (HEAD | {"layers": [{"name": "a", "calibration": []}]}, "at layers[0].calibration"),
        (
            HEAD | {"layers": [{"name": "a", "calibration": {"samples": -1}}]},
            "at layers[0].calibration.samples",
        ),
        (
            HEAD | {"layers": [{"name": "a", "calibration": {"constant": 1}}]},
            "at layers[0].calibration.constant",
        ),
        (HEAD | {"calibration": {"samples": 1.5}}, "at calibration.samples"),
        (HEAD | {"learning_rate": "1e-4"}, "at learning_rate"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(document: Any, place: str) -> None:
    with pytest.raises(SettingsError, match=r"r\.json") as raised:
        report_from_json(document, "r.json")
    assert place in raised.value.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*LAYER, *HEAD, "layers"]), inner)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["graph", "layers", "calibration", "target", "cpu_flags"]), JSON))
def test_any_document_is_read_or_refused_with_a_message(parts: dict[str, Any]) -> None:
    with contextlib.suppress(SettingsError):
        report_from_json(HEAD | parts, "r.json")


def test_a_file_that_is_no_json_is_refused(tmp_path: Path) -> None:
    for number, content in enumerate((b"", b"\xff", b"[" * 10**5, b'{"a": NaN}')):
        path = tmp_path / f"{number}.json"
        path.write_bytes(content)
        with pytest.raises(SettingsError):
            read_report(path)
    with pytest.raises(SettingsError):
        read_report(tmp_path / "missing.json")
