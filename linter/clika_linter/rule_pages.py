"""Writes the reference page of all rules: `python -m clika_linter.rule_pages docs/reference/lint-rules.md`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from clika_linter.entry import RuleEntry
from clika_linter.explaining import explain
from clika_linter.rules.table import RULES

_HEADING = re.compile(r"^(#+) ", re.MULTILINE)
_FENCE = re.compile(r"(```.*?```)", re.DOTALL)
_INTRODUCTION = """\
# Lint rules

What `clika lint` finds. The page is made from the rules themselves, by `python -m clika_linter.rule_pages`;
`clika lint --explain CODE` shows the same in a terminal.

| code | rule | severity | fix |
|---|---|---|---|
"""


def pages_text() -> str:
    """The whole page: a table of all rules, then each rule."""
    rows = "".join(f"{_row(entry)}\n" for entry in RULES)
    return _INTRODUCTION + rows + "".join(f"\n{_page(entry)}" for entry in RULES)


def _row(entry: RuleEntry) -> str:
    link = f"[{entry.name}](#{entry.name}-{entry.code.lower()})"
    return f"| {entry.code} | {link} | {entry.severity} | {entry.fix or ''} |"


def _page(entry: RuleEntry) -> str:
    """One rule, its headings a level lower; not in code, where `#` begins a comment."""
    parts = _FENCE.split(explain(entry))
    return "".join(part if part.startswith("```") else _HEADING.sub(r"#\1 ", part) for part in parts)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(pages_text(), encoding="utf-8")
