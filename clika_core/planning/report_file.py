"""Reads measured sensitivity out of a `clika_report.json`, without NumPy. The file is data and may be hostile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from clika_core.errors import SettingsError
from clika_core.ir.graph import Graph
from clika_core.planning.sensitivities import Sensitivity

MAX_BYTES = 256 * 1024 * 1024
_NON_FINITE = {"inf": float("inf"), "-inf": float("-inf"), "nan": float("nan")}


def read_sensitivities(path: Path, graph: Graph) -> dict[str, Sensitivity]:
    """QS and absolute error by layer. Raises SettingsError for a file that is no report, or of another graph."""
    report = read_report(path)
    fingerprint = (
        report.get("graph", {}).get("fingerprint") if isinstance(report.get("graph"), dict) else None
    )
    if fingerprint != graph.fingerprint:
        raise SettingsError(
            f"{path} belongs to another graph",
            found=f"fingerprint {str(fingerprint)[:12]}",
            expected=f"fingerprint {graph.fingerprint[:12]}",
            fix="run the measurement again on this graph",
        )
    layers = report.get("layers")
    found: dict[str, Sensitivity] = {}
    for layer in layers if isinstance(layers, list) else []:
        if isinstance(layer, dict) and isinstance(layer.get("name"), str) and layer.get("qs") is not None:
            found[layer["name"]] = Sensitivity(
                read_number(layer["qs"], path), read_number(layer.get("abs_l2"), path)
            )
    return found


def read_report(path: Path) -> dict[str, Any]:
    """The whole report. Raises SettingsError for a file that is none."""
    """The content of a report, of which only the format is checked. Raises SettingsError."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SettingsError(f"{path} is too large for a report", expected=f"at most {MAX_BYTES} bytes")
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        raise SettingsError(f"{path} cannot be read as a report", found=str(problem)) from None
    if not isinstance(report, dict) or report.get("format") != "clika-report":
        raise SettingsError(f"{path} is no report", expected='a JSON object with "format": "clika-report"')
    return report


def read_number(value: object, path: Path) -> float | None:
    """A number of a report, non-finite ones by the strings that stand for them."""
    if value is None:
        return None
    if isinstance(value, str) and value in _NON_FINITE:
        return _NON_FINITE[value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise SettingsError(f"{path} holds {value!r} as a sensitivity", expected='a number, "inf" or "nan"')
