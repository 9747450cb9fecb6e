"""`--format github`: workflow commands, which GitHub Actions shows beside the changed lines."""

from __future__ import annotations

from clika_linter.formats.style import printable
from clika_linter.reported import WORKPLACE, Reported
from clika_linter.reporter import LintResult

_LEVELS = {"error": "error", "warning": "warning", "info": "notice"}


def render(result: LintResult) -> str:
    """One command per finding."""
    return "".join(f"{_command(finding)}\n" for finding in result.findings)


def _command(finding: Reported) -> str:
    properties = {"title": f"{finding.code} ({finding.name})"}
    if finding.file != WORKPLACE:
        properties["file"] = finding.file
    if finding.region:
        region = finding.region
        properties |= {"line": str(region.line), "endLine": str(region.end_line), "col": str(region.column)}
        properties |= {"endColumn": str(region.end_column)} if region.is_exact else {}
    pairs = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    parts = [finding.message, *([f"help: {finding.help}"] if finding.help else [])]
    return f"::{_LEVELS[finding.severity]} {pairs}::{_data(chr(10).join(map(printable, parts)))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(printable(text)).replace(":", "%3A").replace(",", "%2C")
