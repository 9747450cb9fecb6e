"""What can be wrong with a settings file: `Problem`, and the error that carries all of them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from clika_core.errors import Location, SettingsError
from clika_core.frozen import frozen, replace
from clika_core.settings.messages import closest, shorten
from clika_core.settings.source import Source, Span

_SHOWN = 20
_COMPARED = 100  # keys that get a nearest name: a file with more mistakes is no settings file


class ProblemKind(StrEnum):
    """The kind of a problem; the linter has a rule of the same name for each."""

    INVALID_SYNTAX = "invalid-syntax"
    UNKNOWN_SETTING = "unknown-setting"
    INVALID_VALUE = "invalid-value"
    DUPLICATE_KEY = "duplicate-key"
    DEPRECATED_SETTING = "deprecated-setting"  # the only one with which the settings can be used


@frozen
class Problem:
    """One thing wrong with a settings file, and where.

    `span` is what to underline, None where the format keeps no exact place; `location` may then be near it.
    `replacement` is the text that mends the span, where there is one. `related` are other places that belong
    to the problem, such as the first of two equal keys.
    """

    kind: ProblemKind
    message: str
    location: Location | None = None
    span: Span | None = None
    found: str | None = None
    expected: str | None = None
    fix: str | None = None
    replacement: str | None = None
    related: tuple[Span, ...] = ()

    def __str__(self) -> str:
        """The message with its parts, as the exception of the same content prints them."""
        return str(SettingsFileError([self]))


class SettingsFileError(SettingsError):
    """A settings file that cannot be used; `problems` is all of them in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Take the parts of a single problem, or list several in the message."""
        self.problems = tuple(sorted(problems, key=_place))
        if len(self.problems) == 1:
            only = self.problems[0]
            parts = {"found": only.found, "expected": only.expected, "fix": only.fix}
            super().__init__(only.message, location=only.location, **parts)
        else:
            super().__init__(_listing(self.problems))


class ProblemCollector:
    """Collects the problems of one file, each once: text that aliases repeat is wrong in one place."""

    def __init__(self, source: Source) -> None:
        """Start with none."""
        self.collected: list[Problem] = []
        self._source = source
        self._seen: set[tuple[ProblemKind, Span]] = set()

    def add_value(
        self, owner: str, span: Span | None, found: str | None, expected: str | None, fix: str | None = None
    ) -> None:
        """A value that `owner` does not take."""
        message = f"invalid value of {owner}"
        self._add(Problem(ProblemKind.INVALID_VALUE, message, None, span, found, expected, fix))

    def add_unknown(
        self, owner: str, key: str, span: Span | None, known: list[str], fix: str | None = None
    ) -> None:
        """A key that `owner` does not have; `fix` says more than the nearest key it has."""
        close = closest(key, known) if len(self.collected) < _COMPARED and fix is None else None
        self._add(
            Problem(
                ProblemKind.UNKNOWN_SETTING,
                f"{owner} has no setting {shorten(repr(key))}",
                span=span,
                expected=None if close or fix else f"one of {', '.join(known)}",
                fix=f"did you mean {close!r}?" if close else fix,
                replacement=close,
            )
        )

    def add_renamed(self, owner: str, key: str, span: Span | None, successor: str, fix: str) -> None:
        """A key that is called `successor` now."""
        message = f"{owner}.{key} is called {successor} now"
        kind = ProblemKind.DEPRECATED_SETTING
        self._add(Problem(kind, message, span=span, fix=fix, replacement=successor))

    def _add(self, problem: Problem) -> None:
        """Add `problem` with the place of its span, which is kept if it may be underlined."""
        span = problem.span
        exact = span if span is not None and span.is_exact else None
        if exact is not None:
            if (problem.kind, exact) in self._seen:
                return
            self._seen.add((problem.kind, exact))
        self.collected.append(replace(problem, location=self._source.location(span), span=exact))


def _place(problem: Problem) -> tuple[int, int]:
    """For sorting: problems without a place come first."""
    return (problem.location.line, problem.location.column) if problem.location else (0, 0)


def _listing(problems: Sequence[Problem]) -> str:
    """All problems, indented under their number; the first of them where there are very many."""
    shown = "\n".join(str(problem) for problem in problems[:_SHOWN])
    rest = f"\n... and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
    return f"the settings have {len(problems)} problems\n{shown}{rest}".replace("\n", "\n  ")
