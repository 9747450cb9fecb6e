"""`clika lint [PATHS]` as a click command: help, and what is said of mistakes in the arguments."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import click

from clika_linter.options import OPTIONS, Kind, OptionRow, Options, words_of
from clika_linter.quick_start import lint

_TYPES: dict[Kind, Callable[[], click.Path]] = {
    Kind.FILE: partial(click.Path, exists=True, dir_okay=False),
    Kind.OUTPUT: partial(click.Path, dir_okay=False),
}


def _words(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for item in given for word in words_of(item))


def _option(row: OptionRow) -> click.Option:
    flags = [row.flag, row.name]
    if row.kind is Kind.FLAG:
        return click.Option(flags, is_flag=True, help=row.help)
    if row.kind is Kind.WORDS:
        return click.Option(flags, multiple=True, callback=_words, help=row.help)
    kind = click.Choice(row.choices) if row.choices else _TYPES.get(row.kind, lambda: str)()
    is_shown = row.default is not None
    return click.Option(
        flags, type=kind, default=row.default, show_default=is_shown, metavar=row.metavar, help=row.help
    )


def _run(**given: Any) -> None:
    click.get_current_context().exit(lint(Options(**given)))


command = click.Command(
    "lint",
    callback=_run,
    params=[click.Argument(["paths"], nargs=-1, type=click.Path()), *map(_option, OPTIONS)],
    help="""Find mistakes in settings before they cost a training run.

    PATHS are settings files or folders; default: those that [tool.clika.lint] in pyproject.toml lists.
    Exits with 0 where nothing was found, 1 for findings, 2 where the linter was not used right.
    """,
    epilog="Example: clika lint settings/ --graph model.graph.json --report outputs/clika_report.json",
)
