"""Which rules run: `select`, `extend-select`, `ignore`, by code, prefix of a code, or name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from clika_core.errors import SettingsError, nearest
from clika_linter.entry import RuleEntry

ALL = "ALL"


class Selection(NamedTuple):
    """What the user asked for. The longest prefix that fits a code decides; `ignore` wins over an equal `select`.

    `per_file_ignores` maps patterns of file names to what is ignored there.
    """

    select: tuple[str, ...] = (ALL,)
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_file_ignores: Mapping[str, tuple[str, ...]] | None = None

    def check(self, entries: Sequence[RuleEntry]) -> None:
        """Raise SettingsError for a word that stands for no rule."""
        ignored = (word for words in (self.per_file_ignores or {}).values() for word in words)
        for word in (*self.select, *self.extend_select, *self.ignore, *ignored):
            if word != ALL and not any(_length(word, entry) for entry in entries):
                known = [name for entry in entries for name in (entry.code, entry.name)]
                close = nearest(word, known)
                raise SettingsError(
                    f"no lint rule is called {word!r}",
                    expected="a code, the beginning of one, or a rule's name",
                    fix=f"did you mean {' or '.join(close)}?" if close else "see `clika lint --list-rules`",
                )

    def rules_for(self, file: str, entries: Iterable[RuleEntry]) -> list[RuleEntry]:
        """The rules that run on a file."""
        patterns = (self.per_file_ignores or {}).items()
        here = [word for pattern, words in patterns if matches_file(pattern, file) for word in words]
        wanted, unwanted = (*self.select, *self.extend_select), self.ignore
        return [
            entry
            for entry in entries
            if _best(wanted, entry) > _best(unwanted, entry) and not _best(here, entry)
        ]

    def is_ignored(self, code: str, entries: Iterable[RuleEntry]) -> bool:
        """Whether a rule is ignored by name or prefix; what only is not selected is not ignored."""
        return any(_best(self.ignore, entry) for entry in entries if entry.code == code)


def matches_file(pattern: str, file: str) -> bool:
    """Whether a glob matches the whole name, or its end from a folder on."""
    name = file.replace("\\", "/")
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"*/{pattern}")


def _best(words: Iterable[str], entry: RuleEntry) -> int:
    return max((_length(word, entry) for word in words), default=0)


def _length(word: str, entry: RuleEntry) -> int:
    """How closely a word names a rule; 0: not at all."""
    if word == ALL:
        return 1
    if word == entry.name:
        return len(entry.code) + 1
    return len(word) + 1 if word and entry.code.startswith(word) else 0
