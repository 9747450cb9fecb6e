"""The kit for tests of rules, built-in or a stranger's: every promise of a rule's class is checked.

@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_my_rule(check):
    check(MyRule)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from inspect import cleandoc
from typing import Any, Final

from clika_core.ir.graph import Graph
from clika_core.settings.load import read_document
from clika_core.settings.problems import SettingsFileError
from clika_core.settings.source import Span
from clika_core.testing.builder import GraphBuilder
from clika_linter.availability import missing
from clika_linter.case import MakeGraph, Valid
from clika_linter.context import Context
from clika_linter.engine import Engine
from clika_linter.finding import Finding
from clika_linter.fixing import apply_edits
from clika_linter.report import Report, report_from_json
from clika_linter.reported import Reported
from clika_linter.rule import Rule
from clika_linter.suppressing import Suppressor
from clika_linter.suppression import find_suppressions

MIN_CASES: Final = 3
MAX_PASSES: Final = 10
SECTIONS: Final = ("What it does", "Why is this bad?", "Example", "Use instead")
_MARK = re.compile("[«»]")


def has_its_texts(rule: type[Rule]) -> None:
    """A docstring with all sections, a code with a prefix, a kebab-case name."""
    text = cleandoc(rule.__doc__ or "")
    titles = re.findall(r"^## (.+)$", text, re.MULTILINE)
    expected = [*SECTIONS, *(["Fix safety"] if rule.fix else [])]
    assert titles == expected, f"sections {titles}, expected {expected}"
    assert text.splitlines()[0].endswith("."), "the first line is a sentence"
    assert re.fullmatch(r"[A-Z]{2,6}[0-9]{3}", rule.code), rule.code
    assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", rule.name), rule.name


def has_enough_cases(rule: type[Rule]) -> None:
    """At least three valid and three invalid ones; a rule that promises a fix shows one."""
    if rule.is_made_by_engine and not rule.INVALID:
        return  # what it takes, a crash or a broken plugin, is no settings file
    assert len(rule.VALID) >= MIN_CASES, f"{len(rule.VALID)} valid cases"
    assert len(rule.INVALID) >= MIN_CASES, f"{len(rule.INVALID)} invalid cases"
    if rule.fix:
        assert any(case.fixed is not None for case in rule.INVALID), "no case shows the fix"


def is_silent_on_valid_cases(rule: type[Rule]) -> None:
    """No finding, and everything that the rule needs is there."""
    for case in rule.VALID:
        context, _ = context_of(case)
        found = run(rule, case, context)
        assert not found, f"{case.about or case.settings!r} gives {[f.message for f in found]}"


def finds_what_invalid_cases_say(rule: type[Rule]) -> None:
    """The messages, underlined spans, nodes and severities that each case lists."""
    for case in rule.INVALID:
        context, marks = context_of(case)
        assert not missing(rule.needs, context), f"{case.settings!r} lacks {missing(rule.needs, context)}"
        found = run(rule, case, context)
        messages = [finding.message for finding in found]
        assert len(messages) == len(case.messages), f"{case.settings!r} gives {messages}"
        for message, start in zip(messages, case.messages, strict=True):
            assert message.startswith(start), f"{message!r} does not start with {start!r}"
        text = context.source.text
        spans = [(f.span.start, f.span.end) for f in found if f.span is not None and f.span.is_exact]
        underlined = [text[start:end] for start, end in spans]
        assert spans == marks, f"{underlined} is underlined, {[text[a:b] for a, b in marks]} is marked"
        if case.nodes is not None:
            assert tuple(finding.nodes for finding in found) == case.nodes
        if case.severities is not None:
            severities = tuple(str(finding.severity or rule.severity) for finding in found)
            assert severities == case.severities


def fixes_as_it_says(rule: type[Rule]) -> None:
    """Fixing until nothing is left to fix gives the text of each case, which can be read as well as before."""
    for case in rule.INVALID:
        if case.fixed is None:
            continue
        current: Valid = case
        context, _ = context_of(case)
        num_problems = len(context.problems)
        for _ in range(MAX_PASSES):
            fixes = [finding.fix for finding in run(rule, current, context) if finding.fix]
            if not fixes:
                break
            assert rule.fix is not None, "a fix, which the class does not declare"
            assert rule.fix == "unsafe" or all(fix.safety == "safe" for fix in fixes), "declared safe"
            text = apply_edits(context.source.text, [fix.edits for fix in fixes])
            current = current.with_settings(text)
            context, _ = context_of(current)
            assert len(context.problems) <= num_problems, f"{text}\n{SettingsFileError(context.problems)}"
        else:
            raise AssertionError(f"fixing never ends: {context.source.text!r}")
        assert context.source.text == case.fixed, f"the fixed text is\n{context.source.text}"


CHECKS: Final[Sequence[Callable[[type[Rule]], None]]] = (
    has_its_texts,
    has_enough_cases,
    is_silent_on_valid_cases,
    finds_what_invalid_cases_say,
    fixes_as_it_says,
)


def run(rule: type[Rule], case: Valid, context: Context) -> list[Finding]:
    """The findings of a rule on a case, sorted by place and message; none where it lacks what it needs."""
    if missing(rule.needs, context):
        return []
    if rule.is_made_by_engine:
        found: Iterable[Finding] = findings_of_engine(rule, context)
    else:
        found = rule(checked_options(rule, case.options)).check(context)
    return sorted(found, key=lambda finding: (finding.span.start if finding.span else -1, finding.message))


def findings_of_engine(rule: type[Rule], context: Context) -> list[Finding]:
    """What the linter itself reports under the code of a rule, when all built-in rules run."""
    from clika_linter.rules.table import RULES

    outcome = Engine().check(RULES, context)
    suppressor = Suppressor(context.source, find_suppressions(context.document), RULES)
    suppressor.active(outcome.findings)
    found = [*outcome.findings, *suppressor.unused(outcome.ran)]
    return [_finding(finding) for finding in found if finding.code == rule.code]


def _finding(found: Reported) -> Finding:
    span = Span(found.region.start, found.region.end) if found.region else None
    return Finding(found.message, span, found.nodes, found.help, found.fix, found.severity)


def checked_options(rule: type[Rule], given: Any) -> dict[str, Any]:
    """Values by attribute, from values by kebab-case name. Raises KeyError for an unknown one."""
    declared = rule.declared_options()
    return {declared[name].attribute: declared[name].value_type.check(value) for name, value in given.items()}


def context_of(case: Valid) -> tuple[Context, list[tuple[int, int]]]:
    """What a rule sees of a case, and the spans that are marked in it."""
    text, marks = unmark(case.settings)
    document = read_document(text, f"settings.{case.syntax}", case.syntax)
    graph = graph_of(case.graph) if case.graph else None
    return Context(document, graph, _report(case.report, graph), _report(case.reference, graph)), marks


@cache
def graph_of(make: MakeGraph) -> Graph:
    """The graph that a case's function builds."""
    builder = GraphBuilder()
    make(builder)
    return builder.build()


def unmark(text: str) -> tuple[str, list[tuple[int, int]]]:
    """`text` without `«` and `»`, and the spans between them."""
    places = [match.start() - count for count, match in enumerate(_MARK.finditer(text))]
    return _MARK.sub("", text), list(zip(places[::2], places[1::2], strict=True))


def _report(part: Any, graph: Graph | None) -> Report | None:
    if part is None:
        return None
    fingerprint = graph.fingerprint if graph else ""
    whole = {"format": "clika-report", "version": 1, "graph": {"fingerprint": fingerprint}, **part}
    return report_from_json(whole, "clika_report.json")
