"""`--explain`, `--list-rules` and `--list-formats`."""

from __future__ import annotations

import json

import pytest

from clika_linter.rules.table import RULES
from tests.linter.conftest import Lint


@pytest.mark.parametrize("entry", RULES, ids=lambda entry: entry.code)
def test_every_rule_explains_itself_with_all_its_cases(lint: Lint, entry: object) -> None:
    (rule,) = (rule for rule in RULES if rule is entry)
    ran = lint("--explain", rule.code)
    assert ran.code == 0
    assert ran.out.startswith(f"# {rule.name} ({rule.code})\n")
    for message in (message for case in rule.load().INVALID for message in case.messages):
        assert f"- {message}" in ran.out
    assert "«" not in ran.out
    for name in rule.load().declared_options():
        assert f"- `{name}`" in ran.out


def test_a_rule_is_explained_by_code_by_name_and_in_lower_case(lint: Lint) -> None:
    outputs = {lint("--explain", word).out for word in ("CLK204", "redundant-skip", "clk204")}
    assert len(outputs) == 1


def test_a_misspelt_rule_gets_the_nearest_names(lint: Lint) -> None:
    ran = lint("--explain", "redundant-skips")
    assert ran.code == 2
    assert "did you mean redundant-skip?" in ran.err


def test_list_rules_lists_every_rule_once_for_people_and_programs(lint: Lint) -> None:
    codes = [rule.code for rule in RULES]
    assert [line.split()[0] for line in lint("--list-rules").out.splitlines()] == codes
    found = json.loads(lint("--list-rules", "--format", "json").out)
    assert [rule["code"] for rule in found] == codes
    assert {rule["fix"] for rule in found} <= {None, "safe", "unsafe"}


def test_list_formats_names_every_output_form(lint: Lint) -> None:
    names = [line.split()[0] for line in lint("--list-formats").out.splitlines()]
    assert names == sorted(["text", "concise", "json", "sarif", "github", "junit"])
