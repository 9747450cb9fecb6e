"""`CommandEntry`: a command that is named without being imported, and may run without click."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import click


class CommandEntry(NamedTuple):
    """What plugins return from `clika_register_commands` in place of a `click.Command` that is costly to make.

    `summary` is the line of `clika --help`. `home` is `package.module:attribute`, the click command. `quick` is
    `package.module:function`: it gets the arguments after the command's name and returns the exit code, or None for
    arguments that it leaves to click, such as `--help` and mistakes. click takes 30 ms to load.
    """

    name: str
    summary: str
    home: str
    quick: str | None = None

    def load(self) -> click.Command:
        """Import the click command."""
        command: click.Command = _imported(self.home)
        return command

    def run_quickly(self, arguments: Sequence[str]) -> int | None:
        """The exit code, if the command could run without click."""
        code: int | None = _imported(self.quick)(arguments) if self.quick else None
        return code


def _imported(home: str) -> Any:
    module, _, name = home.partition(":")
    return getattr(importlib.import_module(module), name)
