"""Writes `docs/reference/rules/` from the rules' own texts and cases: `python -m clika_linter.rule_pages`.

One page per rule, named after its code, which never changes, and a `README.md` that lists them. A test compares
the folder with what this writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from inspect import cleandoc
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Final

from clika_linter.entry import RuleEntry
from clika_linter.explaining import explain
from clika_linter.rule import Rule
from clika_linter.rule_table import rules_in_files

PAGES: Final = Path(__file__).parents[2] / "docs" / "reference" / "rules"
INDEX: Final = "README.md"
_SUBJECTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "CLK0": "The file itself",
        "CLK1": "What is quantized",
        "CLK2": "Rules for layers",
        "CLK3": "Sensitivity and calibration",
        "CLK4": "The target",
        "CLK5": "Training and calibration settings",
        "CLK9": "The linter itself",
    }
)
_WRITTEN: Final = "<!-- Written by `python -m clika_linter.rule_pages` from the rules; do not edit. -->\n"


def page_name(rule: type[Rule]) -> str:
    """The file of a rule's page: `CLK301.md`."""
    return f"{rule.code}.md"


def pages(rules: Sequence[type[Rule]]) -> dict[str, str]:
    """The content of every file, by its name; `rules` are sorted by code."""
    written = {page_name(rule): f"{_WRITTEN}\n{_page(rule)}" for rule in rules}
    return {INDEX: "\n".join(_index(rules)) + "\n", **written}


def _page(rule: type[Rule]) -> str:
    """The text of `--explain`; a case may have CRLF, which a page in Git cannot keep."""
    return explain(RuleEntry.of(rule)).replace("\r\n", "\n")


def write_pages(folder: Path) -> None:
    """Write the pages of all built-in rules into `folder`, and remove those of rules that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = pages(rules_in_files())
    for path in folder.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def _index(rules: Sequence[type[Rule]]) -> Iterator[str]:
    yield from (_WRITTEN, "# Rules of `clika lint`", "")
    yield "`clika lint --explain CLK301` shows the same pages. How to use the linter:"
    yield "[lint settings](../../how-to/lint-settings.md). How to add one:"
    yield "[write a lint rule](../../how-to/write-a-lint-rule.md)."
    for prefix, members in groupby(rules, key=lambda rule: rule.code[:4]):
        yield from ("", f"## {_SUBJECTS.get(prefix, prefix)}", "")
        yield from ("| code | name | severity | fix | finding |", "|---|---|---|---|---|")
        yield from (_row(rule) for rule in members)


def _row(rule: type[Rule]) -> str:
    sentence = cleandoc(rule.__doc__ or "").partition("\n")[0].rstrip(".").replace("|", "\\|")
    cells = (
        f"[{rule.code}]({page_name(rule)})",
        rule.name,
        str(rule.severity),
        str(rule.fix or ""),
        sentence,
    )
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


if __name__ == "__main__":
    write_pages(PAGES)
