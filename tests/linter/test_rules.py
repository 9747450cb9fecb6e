"""Every built-in rule keeps its promises; the cases stand in the rule's own file."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from clika_linter.rule import Rule
from clika_linter.rule_table import TABLE, rules_in_files, table_text
from clika_linter.testing import CHECKS

RULES = rules_in_files()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_rule(check: Callable[[type[Rule]], None], rule: type[Rule]) -> None:
    check(rule)


def test_the_table_is_what_the_files_say() -> None:
    assert TABLE.read_text(encoding="utf-8") == table_text(), "run `python -m clika_linter.rule_table`"
