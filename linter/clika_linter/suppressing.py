"""Takes suppressed findings out, and reports suppressions that suppress nothing (CLK901)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from clika_core.diagnostics import Severity
from clika_core.settings.source import Source, Span
from clika_linter.entry import RuleEntry
from clika_linter.finding import Edit, Finding, Fix
from clika_linter.reported import Reported, reported
from clika_linter.suppression import Suppression

UNUSED: Final = ("CLK901", "unused-suppression", Severity.WARNING)
_Use = tuple[int, str]  # number of the suppression, code as written


class Suppressor:
    """The suppressions of one file at work."""

    def __init__(
        self,
        source: Source,
        suppressions: Sequence[Suppression],
        known: Iterable[RuleEntry],
        *,
        must_give_reason: bool = False,
    ) -> None:
        """`known` are all rules there are, selected or not; with `must_give_reason`, none works without one."""
        self._source = source
        self._suppressions = suppressions
        self._code_of = {word: entry.code for entry in known for word in (entry.code, entry.name)}
        self._must_give_reason = must_give_reason
        self._used: set[_Use] = set()
        self._uses_at: dict[tuple[int | None, str | None], list[_Use]] = {}  # by line and code
        for number, suppression in enumerate(suppressions):
            for word, _ in suppression.codes if self._works(suppression) else ():
                at = (suppression.line, self._code_of.get(word))
                self._uses_at.setdefault(at, []).append((number, word))

    def active(self, findings: Iterable[Reported]) -> list[Reported]:
        """The findings that nothing suppresses."""
        return [finding for finding in findings if not self._suppress(finding)]

    def unused(self, ran: Collection[str]) -> list[Reported]:
        """CLK901 for what suppresses nothing, as far as the rules that ran can tell."""
        return [
            reported(finding, UNUSED, self._source, None)
            for number, suppression in enumerate(self._suppressions)
            for finding in self._unused(number, suppression, ran)
        ]

    def _suppress(self, finding: Reported) -> bool:
        line = finding.region.line if finding.region and finding.file == self._source.file else 0
        uses = [*self._uses_at.get((None, finding.code), ()), *self._uses_at.get((line, finding.code), ())]
        self._used.update(uses)
        return bool(uses)

    def _works(self, suppression: Suppression) -> bool:
        return bool(suppression.reason) or not self._must_give_reason

    def _unused(self, number: int, suppression: Suppression, ran: Collection[str]) -> Iterator[Finding]:
        if not suppression.codes:
            help_ = "write # clika: ignore[CODE] reason"
            yield Finding(
                "this suppression names no rule, so it suppresses nothing", suppression.span, help=help_
            )
            return
        if not self._works(suppression):
            words = "this suppression gives no reason, so it suppresses nothing"
            yield Finding(words, suppression.span, help="write the reason after the bracket")
            return
        places = dict(reversed(suppression.codes))
        idle = {word for word in places if self._is_idle(number, word, ran)}
        fix = self._removal(suppression, idle) if idle else None
        for word in sorted(idle):
            message = f"{word} suppresses nothing" if word in self._code_of else f"no rule is called {word}"
            yield Finding(message, places[word], help="remove it", fix=fix)

    def _is_idle(self, number: int, word: str, ran: Collection[str]) -> bool:
        code = self._code_of.get(word)
        return code is None or (code in ran and (number, word) not in self._used)

    def _removal(self, suppression: Suppression, idle: Collection[str]) -> Fix:
        """The comment without its idle codes; all of it where none is left."""
        kept = [word for word, _ in suppression.codes if word not in idle]
        if kept:
            first, last = suppression.codes[0][1], suppression.codes[-1][1]
            return Fix("remove the code", (Edit(first.start, last.end, ", ".join(kept)),))
        return Fix("remove the comment", (_removed(self._source.text, suppression.span),))


def _removed(text: str, span: Span) -> Edit:
    """Without a comment and the space before it; a line of its own goes too."""
    start, end = span.start, span.end
    while start and text[start - 1] in " \t":
        start -= 1
    if start == 0 or text[start - 1] in "\r\n":
        for newline in ("\r\n", "\n", "\r"):
            if text.startswith(newline, end):
                return Edit(start, end + len(newline), "")
    return Edit(start, end, "")
