"""Random settings with a random graph, as rules see them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from clika_core.settings.load import read_document
from clika_core.testing.strategies import Scenario
from clika_linter.context import Context
from clika_linter.report import Report, report_from_json

Wrong = tuple[str, Mapping[str, Any]]


def context_of(scenario: Scenario, wrong: Wrong | None = None) -> Context:
    """The scenario as a settings file, with one more rule that need not be right, and a report of its QS."""
    settings = scenario.settings().to_json()
    if wrong is not None:
        settings["layer_settings"][wrong[0]] = {"quantization_settings": dict(wrong[1])}
    document = read_document(json.dumps(settings, indent=1), "settings.json", "json")
    return Context(document, scenario.graph, _report(scenario), targets={"ort": scenario.target})


def _report(scenario: Scenario) -> Report | None:
    if scenario.sensitivity is None:
        return None
    layers = [{"name": name, "qs": _written(qs)} for name, qs in scenario.sensitivity.items()]
    fingerprint = scenario.graph.fingerprint
    whole = {"format": "clika-report", "version": 1, "graph": {"fingerprint": fingerprint}, "layers": layers}
    return report_from_json(whole, "clika_report.json")


def _written(qs: float) -> float | str:
    return qs if abs(qs) < float("inf") else str(qs)
