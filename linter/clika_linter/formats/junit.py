"""`--format junit`: a test suite per file and a failed test per finding; a file without any is a passed test."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from clika_linter.reported import Reported
from clika_linter.reporter import LintResult

_REFUSED = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2


def render(result: LintResult) -> str:
    """The XML document."""
    by_file: dict[str, list[Reported]] = {file: [] for file in result.files}
    for finding in result.findings:
        by_file.setdefault(finding.file, []).append(finding)
    suites = "".join(_suite(file, findings) for file, findings in by_file.items())
    tests = sum(max(1, len(findings)) for findings in by_file.values())
    head = f'<testsuites name="clika lint" tests="{tests}" failures="{len(result.findings)}" errors="0">'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}\n{suites}</testsuites>\n'


def _suite(file: str, findings: Sequence[Reported]) -> str:
    cases = "".join(_case(file, finding) for finding in findings) or _passed(file)
    count = f'tests="{max(1, len(findings))}" failures="{len(findings)}" errors="0" skipped="0"'
    return f"  <testsuite name={_attribute(file)} {count}>\n{cases}  </testsuite>\n"


def _passed(file: str) -> str:
    return f'    <testcase classname={_attribute(file)} name="lint" />\n'


def _case(file: str, finding: Reported) -> str:
    line = finding.region.line if finding.region else 0
    name = _attribute(f"{finding.code} {finding.name}" + (f" at line {line}" if line else ""))
    text = "\n".join(filter(None, (finding.message, finding.help and f"help: {finding.help}")))
    return (
        f"    <testcase classname={_attribute(file)} name={name}>\n"
        f'      <failure type="{finding.severity}" message={_attribute(finding.message)}>{_text(text)}</failure>\n'
        "    </testcase>\n"
    )


def _attribute(text: str) -> str:
    return quoteattr(_allowed(text), {"\n": "&#10;", "\t": "&#9;", "\r": "&#13;"})


def _text(text: str) -> str:
    return escape(_allowed(text))


def _allowed(text: str) -> str:
    return _REFUSED.sub("\ufffd", text)
