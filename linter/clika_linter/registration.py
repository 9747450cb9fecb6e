"""Registers the linter's command, rules and output forms, exactly as a stranger's plugin would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import click

    from clika_linter.entry import RuleEntry
    from clika_linter.reporter import ReporterEntry

hookimpl = pluggy.HookimplMarker("clika")


@hookimpl
def clika_register_commands() -> Sequence[click.Command]:
    """`clika lint`."""
    from clika_linter.command import command

    return [command]


@hookimpl
def clika_register_lint_rules() -> Sequence[RuleEntry]:
    """The built-in rules."""
    from clika_linter.rules.table import RULES

    return RULES


@hookimpl
def clika_register_reporters() -> Sequence[ReporterEntry]:
    """The built-in output forms."""
    from clika_linter.formats import REPORTERS

    return REPORTERS
