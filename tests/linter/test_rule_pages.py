"""The pages of rules that are committed are what the rules say."""

from __future__ import annotations

import re
from pathlib import Path

from clika_linter.rule_pages import INDEX, PAGES, pages, write_pages
from clika_linter.rule_table import rules_in_files

RULES = rules_in_files()


def test_the_committed_pages_are_what_the_rules_say() -> None:
    committed = {path.name: path.read_text(encoding="utf-8") for path in PAGES.iterdir()}
    assert committed == pages(RULES), "run `python -m clika_linter.rule_pages`"


def test_the_index_links_the_page_of_every_rule_once() -> None:
    written = pages(RULES)
    linked = re.findall(r"^\| \[\w+\]\((\w+\.md)\)", written[INDEX], re.MULTILINE)
    assert sorted(linked) == sorted(written.keys() - {INDEX})


def test_the_page_of_a_rule_that_is_gone_is_removed(tmp_path: Path) -> None:
    (tmp_path / "CLK000.md").write_text("of a rule that was removed", encoding="utf-8")
    write_pages(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == pages(RULES).keys()


def test_pages_hold_the_rule_s_own_words_and_examples() -> None:
    page = pages(RULES)["CLK301.md"]
    assert "## Why is this bad?" in page
    assert "- `max-qs` (" in page
    assert "conv_2 is quantized with a sensitivity of 25000, above 10000" in page
    assert "«" not in page


def test_every_page_begins_with_name_and_code_of_its_rule() -> None:
    written = pages(RULES)
    for rule in RULES:
        headings = re.findall(r"^# .*$", written[f"{rule.code}.md"], re.MULTILINE)
        assert headings[0] == f"# {rule.name} ({rule.code})"
