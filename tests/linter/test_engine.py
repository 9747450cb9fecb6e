"""A rule that misbehaves leaves the others alone; one cause gives one finding; order changes nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import pytest

from clika_core.diagnostics import Severity
from clika_core.settings.load import read_document
from clika_linter.context import Context
from clika_linter.engine import MAX_FINDINGS, Engine, one_per_cause
from clika_linter.entry import RuleEntry
from clika_linter.finding import Finding
from clika_linter.merging import merged
from clika_linter.reported import Region, Reported
from clika_linter.rule import Need, Rule


class Base(Rule):
    """What the rules of these tests share."""

    severity = Severity.WARNING
    needs = (Need.DOCUMENT,)
    VALID = ()
    INVALID = ()


class Good(Base):
    """Finds one thing."""

    code, name = "TST001", "good"

    def check(self, context: Context) -> Iterator[Finding]:
        yield Finding("found it")


class Crashing(Base):
    """Raises after its first finding."""

    code, name = "TST002", "crashing"

    def check(self, context: Context) -> Iterator[Finding]:
        yield Finding("before the crash")
        raise KeyError("conv_1")


class Endless(Base):
    """Never stops."""

    code, name = "TST003", "endless"

    def check(self, context: Context) -> Iterator[Finding]:
        return (Finding(f"number {number}") for number in itertools.count())


class Nonsense(Base):
    """Yields no findings, but something else."""

    code, name = "TST004", "nonsense"

    def check(self, context: Context) -> Iterable[Finding]:
        return [None]  # type: ignore[list-item]


class Greedy(Base):
    """Asks for a graph without saying so."""

    code, name = "TST005", "greedy"

    def check(self, context: Context) -> Iterator[Finding]:
        yield Finding(context.graph.name)


class Recursive(Base):
    """Never comes back."""

    code, name = "TST006", "recursive"

    def check(self, context: Context) -> Iterable[Finding]:
        return self.check(context)


BAD = (Crashing, Nonsense, Greedy, Recursive)


def context(text: str = "") -> Context:
    return Context(read_document(text, "settings.yaml"))


@pytest.mark.parametrize("bad", BAD, ids=lambda rule: rule.name)
def test_a_rule_that_crashes_is_one_error_and_the_others_go_on(bad: type[Rule]) -> None:
    found = Engine().check([RuleEntry.of(bad), RuleEntry.of(Good)], context()).findings
    assert [finding.message for finding in found if finding.code == "TST001"] == ["found it"]
    (crash,) = (finding for finding in found if finding.code == "CLK902")
    assert crash.severity is Severity.ERROR
    assert crash.message.startswith(f"rule {bad.code} ({bad.name}) crashed: ")
    assert crash.help is not None
    assert f"--ignore {bad.code}" in crash.help


def test_what_a_rule_found_before_it_crashed_is_kept() -> None:
    found = Engine().check([RuleEntry.of(Crashing)], context()).findings
    assert found[0].message == "before the crash"


def test_a_rule_whose_class_cannot_be_imported_is_a_crash_too() -> None:
    entry = RuleEntry("TST009", "gone", Severity.INFO, (), "no_such_module_at_all:Rule")
    (crash,) = Engine().check([entry], context()).findings
    assert "ModuleNotFoundError" in crash.message


def test_a_rule_that_never_stops_is_stopped() -> None:
    assert len(Engine().check([RuleEntry.of(Endless)], context()).findings) == MAX_FINDINGS


def test_what_a_rule_lacks_is_told_and_the_rule_is_not_even_imported() -> None:
    needs = (Need.PLAN, Need.REPORT)
    entry = RuleEntry("TST009", "gone", Severity.INFO, needs, "no_such_module_at_all:Rule")
    outcome = Engine().check([entry], context())
    assert outcome.findings == []
    assert outcome.ran == set()
    assert outcome.left_out == {Need.GRAPH: ["TST009"]}


@pytest.mark.parametrize(
    ("text", "needs", "lacks"),
    [
        ("a: [", (Need.PLAN,), Need.SETTINGS),
        ("a: [", (Need.LAYER_RULES,), Need.SETTINGS),
        ("", (Need.PLAN,), Need.GRAPH),
        ("", (Need.REFERENCE,), Need.REFERENCE),
        ("a: [", (Need.DOCUMENT,), None),
    ],
)
def test_the_most_basic_need_that_is_not_met_is_the_one_named(
    text: str, needs: tuple[Need, ...], lacks: Need | None
) -> None:
    entry = RuleEntry.of(Good)._replace(needs=needs)
    left_out = Engine().check([entry], context(text)).left_out
    assert left_out == ({} if lacks is None else {lacks: ["TST001"]})


def finding(code: str, *nodes: str, line: int = 1) -> Reported:
    return Reported("s.yaml", code, "x", Severity.INFO, "m", Region(line, 1, line, 1), nodes)


def entry(code: str, *silences: str) -> RuleEntry:
    return RuleEntry(code, "x", Severity.INFO, (), "", silences=silences)


def test_a_finding_silences_those_about_the_same_layers_or_fewer() -> None:
    entries = [entry("TST001", "TST002"), entry("TST002")]
    loud = finding("TST001", "a", "b")
    quiet = finding("TST002", "a")
    other = finding("TST002", "a", "c")
    about_all = finding("TST002")
    assert one_per_cause([loud, quiet, other, about_all], entries) == [loud, other, about_all]


def test_a_finding_about_the_whole_file_silences_everything_it_may() -> None:
    entries = [entry("TST001", "TST002"), entry("TST002"), entry("TST003")]
    found = [finding("TST001"), finding("TST002", "a"), finding("TST002"), finding("TST003", "a")]
    assert one_per_cause(found, entries) == [found[0], found[3]]


def test_findings_of_several_graphs_are_said_once_and_some_only_if_all_say_them() -> None:
    common, first, second = finding("TST001", "a"), finding("TST002", "x"), finding("TST002", "y", line=2)
    assert merged([[common, first], [common, second]], ()) == [common, first, second]
    assert merged([[common, first], [common, second]], ("TST002",)) == [common]
    renamed = first._replace(nodes=("z",))
    assert merged([[first], [renamed]], ("TST002",)) == [first], "the same rule of the file, other layers"


def test_the_order_of_rules_changes_nothing() -> None:
    entries = [RuleEntry.of(rule) for rule in (Good, Crashing, Nonsense)]
    orders = [
        sorted(Engine().check(order, context()).findings, key=Reported.sort_key)
        for order in itertools.permutations(entries)
    ]
    assert all(found == orders[0] for found in orders)


def test_an_entry_repeats_what_its_class_says() -> None:
    made = RuleEntry.of(Good)
    assert made.load() is Good
    assert (made.code, made.fix, made.silences) == ("TST001", None, ())
