"""`--format sarif`: SARIF 2.1.0 (OASIS). The driver lists all rules, so that a clean run closes old alerts."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from clika_core import __version__
from clika_linter.entry import RuleEntry
from clika_linter.explaining import explain
from clika_linter.fingerprints import fingerprint
from clika_linter.reported import WORKPLACE, Region, Reported
from clika_linter.reporter import LintResult

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def render(result: LintResult) -> str:
    """One run of the tool."""
    entries = sorted(result.entries, key=lambda entry: entry.code)
    index = {entry.code: position for position, entry in enumerate(entries)}
    notes = [{"level": "note", "message": {"text": note}} for note in result.notes]
    run = {
        "tool": {
            "driver": {"name": "clika lint", "version": __version__, "rules": list(map(_rule, entries))}
        },
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notes}],
        "artifacts": [{"location": {"uri": _uri(file)}} for file in dict.fromkeys(result.files)],
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, index, result.texts) for finding in result.findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _rule(entry: RuleEntry) -> dict[str, Any]:
    words = (entry.load().__doc__ or "").strip()
    return {
        "id": entry.code,
        "name": entry.name,
        "shortDescription": {"text": words.partition("\n")[0]},
        "help": {"text": explain(entry), "markdown": explain(entry)},
        "defaultConfiguration": {"level": _LEVELS[entry.severity]},
    }


def _result(finding: Reported, index: Mapping[str, int], texts: Mapping[str, str]) -> dict[str, Any]:
    text = finding.message + (f"\n{finding.help}" if finding.help else "")
    found: dict[str, Any] = {
        "ruleId": finding.code,
        "level": _LEVELS[finding.severity],
        "message": {"text": text},
        "partialFingerprints": {"clikaFinding/v1": fingerprint(finding, texts)},
    }
    if finding.code in index:
        found["ruleIndex"] = index[finding.code]
    if finding.file != WORKPLACE:
        logical = [{"name": node, "kind": "element"} for node in dict.fromkeys(finding.nodes)]
        location = {"physicalLocation": _place(finding.file, finding.region)}
        found["locations"] = [location | ({"logicalLocations": logical} if logical else {})]
    if finding.labels:
        found["relatedLocations"] = _each_once(
            {"physicalLocation": _place(finding.file, region), "message": {"text": words}}
            for region, words in finding.labels
        )
    if finding.fix:
        found["fixes"] = [_fix(finding)]
    return found


def _each_once(locations: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The schema allows no two equal ones."""
    return list({json.dumps(location): location for location in locations}.values())


def _place(file: str, region: Region | None) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(file)}}
    if region:
        place["region"] = {"startLine": max(1, region.line), "startColumn": max(1, region.column)}
        if region.is_exact:
            place["region"] |= {
                "endLine": region.end_line,
                "endColumn": region.end_column,
                "charOffset": region.start,
                "charLength": region.end - region.start,
            }
    return place


def _fix(finding: Reported) -> dict[str, Any]:
    edits = finding.fix.edits if finding.fix else ()
    replacements = [
        {
            "deletedRegion": {"charOffset": edit.start, "charLength": edit.end - edit.start},
            "insertedContent": {"text": edit.text},
        }
        for edit in edits
    ]
    change = {"artifactLocation": {"uri": _uri(finding.file)}, "replacements": replacements}
    return {"description": {"text": finding.fix.title if finding.fix else ""}, "artifactChanges": [change]}


def _uri(file: str) -> str:
    """A relative reference, or a file URI for a path outside the current folder."""
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(os.fsencode(path.as_posix()))
