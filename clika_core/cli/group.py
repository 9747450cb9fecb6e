"""The commands of `clika` as a click group, which imports a command only when it runs."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

import click

from clika_core import __version__
from clika_core.cli.main import COMMANDS, UnreadError
from clika_core.plugins.command_entry import CommandEntry
from clika_core.plugins.registry import commands


class CommandGroup(click.Group):
    """Built-in commands from `COMMANDS`, and those of plugins; a module is imported when its command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, sorted."""
        return sorted({*COMMANDS, *commands()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name in COMMANDS:
            command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
            return command
        found = commands().get(cmd_name)
        return found.load() if isinstance(found, CommandEntry) else found

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; that nobody reads what it prints is for `main` to say."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise UnreadError from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of `clika --help`, without importing a command."""
        rows = [(name, text) for name, (_, text) in COMMANDS.items()]
        rows += [(name, _summary(command)) for name, command in commands().items()]
        with formatter.section("Commands"):
            formatter.write_dl(sorted(rows))


@click.group(
    cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="clika")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def clika(debug: bool) -> None:
    """Quantize neural networks, and explain every layer's decision.

    \b
    Start with:  clika demo
    Then:        clika trace my_model.py:make_model -o model.graph.json
                 clika plan model.graph.json -s settings.yaml
                 clika compress my_model.py:make_model --data data.npz -s settings.yaml -o outputs
    """


def run(arguments: Sequence[str]) -> int:
    """Run a command; its exit code. Mistakes in the arguments are said here, all other errors raised."""
    try:
        result = clika.main(list(arguments), prog_name="clika", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Abort as abort:
        cause = abort.__cause__  # Ctrl-C, or SIGTERM, which has an exit code of its own
        raise (cause if isinstance(cause, KeyboardInterrupt) else KeyboardInterrupt()) from None
    except click.ClickException as error:
        error.show()
        return error.exit_code


def _summary(command: click.Command | CommandEntry) -> str:
    return command.summary if isinstance(command, CommandEntry) else command.get_short_help_str()
