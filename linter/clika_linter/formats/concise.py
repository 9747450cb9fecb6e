"""`--format concise`: one line per finding, and no notes."""

from __future__ import annotations

from clika_linter.formats.style import Style
from clika_linter.formats.text import headline
from clika_linter.reporter import LintResult


def render(result: LintResult) -> str:
    """`file:line:column: severity[code] message`."""
    style = Style(is_coloured=result.is_coloured)
    return "".join(f"{headline(finding, style)}\n" for finding in result.findings)
