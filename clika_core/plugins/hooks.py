"""The hooks of the entry-point group `clika`. They only register; behaviour lives in typed classes.

A plugin is a module named by an entry point of the group `clika`, with functions marked `hookimpl`:

    from clika_core.plugins.hooks import hookimpl

    @hookimpl
    def clika_register_targets():
        return [MY_TARGET]

A function whose name begins with `clika_register_` is taken for a hook even without the mark: the project's own
registration modules start quicker without it. A registration module imports no framework: many commands load it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pluggy

from clika_core.plugins.installed import GROUP

if TYPE_CHECKING:
    import click

    from clika_core.backend.interface import Backend
    from clika_core.observers import Observer
    from clika_core.plugins.command_entry import CommandEntry
    from clika_core.targets.target import Target
    from clika_linter.entry import RuleEntry
    from clika_linter.reporter import ReporterEntry

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def clika_register_backends() -> Sequence[Backend]:  # type: ignore[empty-body]
    """Return the backends this plugin brings, one object per framework."""


@hookspec
def clika_register_targets() -> Sequence[Target]:  # type: ignore[empty-body]
    """Return deployment targets; each needs a name of its own."""


@hookspec
def clika_register_observers() -> Sequence[tuple[str, Callable[[], Observer]]]:  # type: ignore[empty-body]
    """Return pairs of the name used in settings and a factory of the observer."""


@hookspec
def clika_register_commands() -> Sequence[click.Command | CommandEntry]:  # type: ignore[empty-body]
    """Return commands that join `clika`; a `CommandEntry` names one without importing it."""


@hookspec
def clika_register_lint_rules() -> Sequence[RuleEntry]:  # type: ignore[empty-body]
    """Return the rules that `clika lint` runs beside its own; codes carry a prefix of the plugin's own."""


@hookspec
def clika_register_reporters() -> Sequence[ReporterEntry]:  # type: ignore[empty-body]
    """Return forms of the linter's output, for `clika lint --format`."""
