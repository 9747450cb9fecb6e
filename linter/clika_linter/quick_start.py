"""`clika lint` without click, for arguments that are right; `--help` and mistakes are left to click."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from clika_core.ir.collection import paused_collection
from clika_linter.options import OPTIONS, Kind, OptionRow, Options, words_of

_ROWS = {row.flag: row for row in OPTIONS}


def run(arguments: Sequence[str]) -> int | None:
    """Lint, and return the exit code; None, and nothing is done, for arguments that click should see."""
    options = parse(arguments)
    return None if options is None else lint(options)


def lint(options: Options) -> int:
    """One run. Raises ClikaError for broken usage."""
    with paused_collection():  # a short life with many objects: looking for garbage only takes time
        from clika_linter.session import Session

        return Session(options).run()


def parse(arguments: Sequence[str]) -> Options | None:
    """The options, as click reads them; None where anything is unusual."""
    found: dict[str, Any] = {}
    paths = []
    waiting = iter(arguments)
    for argument in waiting:
        if not argument.startswith("-"):
            paths.append(argument)
            continue
        flag, _, attached = argument.partition("=")
        row = _ROWS.get(flag)
        if row is None or (row.kind is Kind.FLAG and "=" in argument):
            return None
        if row.kind is Kind.FLAG:
            found[row.name] = True
            continue
        value = attached if "=" in argument else next(waiting, "")
        if not _is_right(row, value):
            return None
        words = (*found.get(row.name, ()), *words_of(value)) if row.kind is Kind.WORDS else ()
        found[row.name] = words if row.kind is Kind.WORDS else value
    return Options(paths=tuple(paths), **found)


def _is_right(row: OptionRow, value: str) -> bool:
    """Whether an option takes this value, and nothing about it is unusual."""
    if not value or value.startswith("-") or (row.choices and value not in row.choices):
        return False
    if row.kind is Kind.FILE:
        return _is_readable(value)
    return row.kind is not Kind.OUTPUT or not os.path.isdir(value)


def _is_readable(name: str) -> bool:
    return os.path.isfile(name) and os.access(name, os.R_OK)
