"""Diagnostics print on one line and become JSON without loss."""

from __future__ import annotations

import json

from clika_core.diagnostics import Diagnostic, Severity
from clika_core.errors import Location

FINDING = Diagnostic("stale", Severity.WARNING, "old file", Location("a.yaml", 2, 5), ("conv_1",), "renew it")


def test_a_diagnostic_prints_its_place_severity_code_and_message() -> None:
    assert str(FINDING) == "a.yaml:2: warning[stale]: old file"


def test_a_diagnostic_becomes_json_with_every_part() -> None:
    assert json.loads(json.dumps(FINDING.to_json())) == {
        "code": "stale",
        "severity": "warning",
        "message": "old file",
        "location": {"file": "a.yaml", "line": 2, "column": 5},
        "related": ["conv_1"],
        "help": "renew it",
    }
