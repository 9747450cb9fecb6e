"""The forms of output, one file each; every one is a function from a `LintResult` to text."""

from __future__ import annotations

from clika_linter.reporter import ReporterEntry

REPORTERS = (
    ReporterEntry(
        "text", "For people: the line, what is wrong, what to do.", "clika_linter.formats.text:render"
    ),
    ReporterEntry("concise", "One line per finding.", "clika_linter.formats.concise:render"),
    ReporterEntry("json", "Everything, for programs.", "clika_linter.formats.json:render"),
    ReporterEntry("sarif", "SARIF 2.1.0, for code scanning.", "clika_linter.formats.sarif:render"),
    ReporterEntry("github", "Annotations of GitHub Actions.", "clika_linter.formats.github:render"),
    ReporterEntry("junit", "JUnit XML, for continuous integration.", "clika_linter.formats.junit:render"),
)
