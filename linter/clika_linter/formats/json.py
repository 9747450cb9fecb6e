"""`--format json`: everything, for programs. Keys are only ever added."""

from __future__ import annotations

import json

from clika_core import __version__
from clika_core.diagnostics import Severity
from clika_linter.reporter import LintResult


def render(result: LintResult) -> str:
    """One object; `findings` are sorted."""
    baseline = result.baseline
    document = {
        "format": "clika-lint",
        "version": 1,
        "clika": __version__,
        "files": list(result.files),
        "findings": [finding.to_json() for finding in result.findings],
        "notes": list(result.notes),
        "summary": {
            **{str(kind): result.num_of(kind) for kind in Severity},
            "suppressed": result.num_suppressed,
            "fixed": result.num_fixed,
        },
        "baseline": {"file": baseline.file, "known": baseline.known, "fixed": list(baseline.fixed)}
        if baseline
        else None,
    }
    return json.dumps(document, indent=1) + "\n"
