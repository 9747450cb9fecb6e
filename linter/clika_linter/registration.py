"""Registers the linter's command, rules and output forms, exactly as a stranger's plugin would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clika_core.plugins.command_entry import CommandEntry
    from clika_linter.entry import RuleEntry
    from clika_linter.reporter import ReporterEntry


def clika_register_commands() -> Sequence[CommandEntry]:
    """`clika lint`."""
    from clika_core.plugins.command_entry import CommandEntry

    summary = "Find mistakes in settings before they cost a training run."
    return [CommandEntry("lint", summary, "clika_linter.command:command", "clika_linter.quick_start:run")]


def clika_register_lint_rules() -> Sequence[RuleEntry]:
    """The built-in rules."""
    from clika_linter.rules.table import RULES

    return RULES


def clika_register_reporters() -> Sequence[ReporterEntry]:
    """The built-in output forms."""
    from clika_linter.formats import REPORTERS

    return REPORTERS
