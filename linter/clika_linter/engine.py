"""Runs rules on one settings file: each for itself, so that a rule that crashes leaves the others alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from clika_core.diagnostics import Severity
from clika_linter.availability import missing
from clika_linter.context import Context
from clika_linter.entry import RuleEntry
from clika_linter.finding import Finding
from clika_linter.reported import Reported, reported
from clika_linter.rule import Need, Rule

CRASHED: Final = ("CLK902", "rule-crashed", Severity.ERROR)
MAX_FINDINGS: Final = 5_000  # of one rule in one file: a rule that yields for ever is broken too


class Outcome:
    """What the rules found; which ran; and, by what they lack, which could not."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.findings: list[Reported] = []
        self.ran: set[str] = set()
        self.left_out: dict[Need, list[str]] = {}


class Engine:
    """Rules with their options, imported when first needed and used for any number of files."""

    def __init__(self, options: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        """`options` are values by name of the rule and attribute, checked."""
        self._options = options or {}
        self._rules: dict[str, Rule] = {}

    def check(self, entries: Iterable[RuleEntry], context: Context, graph: str | None = None) -> Outcome:
        """Run `entries` on a file. Never raises for what a rule does."""
        outcome = Outcome()
        entries = list(entries)
        for entry in entries:
            lacks = missing(entry.needs, context)
            if lacks in (None, Need.LAYER_RULES):  # without rules for layers there is nothing to find
                outcome.ran.add(entry.code)
            if lacks is None and not entry.is_made_by_engine:
                outcome.findings += self._run(entry, context, graph)
            elif lacks not in (None, Need.LAYER_RULES):
                outcome.left_out.setdefault(lacks, []).append(entry.code)
        outcome.findings = one_per_cause(outcome.findings, entries)
        return outcome

    def _run(self, entry: RuleEntry, context: Context, graph: str | None) -> Iterator[Reported]:
        facts = (entry.code, entry.name, entry.severity)
        try:
            for finding in islice(self._rule(entry).check(context), MAX_FINDINGS):
                yield reported(finding, facts, context.source, graph)
        except Exception as problem:  # noqa: BLE001 - whatever a rule does, the others go on
            yield reported(_crash(entry, problem), CRASHED, context.source, graph)

    def _rule(self, entry: RuleEntry) -> Rule:
        if entry.code not in self._rules:
            self._rules[entry.code] = entry.load()(self._options.get(entry.name))
        return self._rules[entry.code]


def one_per_cause(findings: Sequence[Reported], entries: Iterable[RuleEntry]) -> list[Reported]:
    """The findings without those whose cause another rule's finding names better; see `Rule.silences`."""
    silencers: dict[str, set[str]] = {}
    for entry in entries:
        for code in entry.silences:
            silencers.setdefault(code, set()).add(entry.code)
    said: dict[str, list[frozenset[str]]] = {}
    for finding in findings:
        said.setdefault(finding.code, []).append(frozenset(finding.nodes))
    return [
        finding for finding in findings if not _is_silenced(finding, silencers.get(finding.code, ()), said)
    ]


def _is_silenced(
    finding: Reported, by: Collection[str], said: Mapping[str, Sequence[frozenset[str]]]
) -> bool:
    nodes = set(finding.nodes)
    louder = (other for code in by for other in said.get(code, ()))
    return any(not other or (nodes and nodes <= other) for other in louder)


def _crash(entry: RuleEntry, problem: Exception) -> Finding:
    words = " ".join(str(problem).split())[:300]
    return Finding(
        f"rule {entry.code} ({entry.name}) crashed: {type(problem).__name__}: {words}",
        help=f"report it to the authors of {entry.home.partition('.')[0]}; meanwhile --ignore {entry.code}",
    )
