"""Writes `rules/table.py` from the files of `rules`: `python -m clika_linter.rule_table`.

The table lets `clika lint` start without reading fifty files; a test compares it with what this writes.
"""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

from clika_linter import rules
from clika_linter.entry import RuleEntry
from clika_linter.rule import Rule

_FOLDER = Path(__file__).parent / "rules"
TABLE = _FOLDER / "table.py"
_HEAD = '''# ruff: noqa: E501
"""The built-in rules. Written by `python -m clika_linter.rule_table`; do not edit."""

from __future__ import annotations

from clika_core.diagnostics import Severity
from clika_linter.entry import RuleEntry
from clika_linter.finding import Safety
from clika_linter.rule import Need

RULES = (
'''


def rules_in_files() -> list[type[Rule]]:
    """The rule of every file of `rules`, by code."""
    found = []
    for path in _FOLDER.glob("[a-z]*.py"):
        if path != TABLE:
            module = importlib.import_module(f"{rules.__name__}.{path.stem}")
            classes = [value for _, value in inspect.getmembers(module, inspect.isclass)]
            found += [c for c in classes if issubclass(c, Rule) and c.__module__ == module.__name__]
    return sorted(found, key=lambda rule: rule.code)


def table_text() -> str:
    """The content of `rules/table.py`."""
    return (
        _HEAD
        + "".join(f"    {_line(RuleEntry.of(rule))},\n" for rule in rules_in_files())
        + ")  # fmt: skip\n"
    )


def _line(entry: RuleEntry) -> str:
    needs = "".join(f"Need.{need.name}, " for need in entry.needs).rstrip()
    parts = [
        repr(entry.code),
        repr(entry.name),
        f"Severity.{entry.severity.name}",
        f"({needs})",
        repr(entry.home),
    ]
    parts += [f"fix=Safety.{entry.fix.name}"] if entry.fix else []
    parts += [f"silences={entry.silences!r}"] if entry.silences else []
    parts += ["holds_for_every_graph=True"] if entry.holds_for_every_graph else []
    parts += ["is_made_by_engine=True"] if entry.is_made_by_engine else []
    return f"RuleEntry({', '.join(parts)})".replace("'", '"')


if __name__ == "__main__":
    TABLE.write_text(table_text(), encoding="utf-8")
