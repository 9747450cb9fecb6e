"""`clika`: a group whose commands are imported only when they run, and one place where errors become exit codes.

0 done    1 findings    2 usage, input, something missing    70 our bug    130 interrupted
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import click

from clika_core import __version__
from clika_core.errors import ClikaError

USAGE, BUG, INTERRUPTED = 2, 70, 130

# name -> (module with an attribute `command`, the line of `clika --help`)
COMMANDS = {
    "backends": (
        "clika_core.cli.backends",
        "Show what is installed: frameworks, devices, gaps.",
    ),
    "compress": ("clika_core.cli.compress", "Quantize your model on your data, end to end."),
    "demo": ("clika_core.cli.demo", "Quantize a trained network on real images, end to end."),
    "draw": ("clika_core.cli.draw", "Draw a graph, with decisions where settings are given."),
    "plan": ("clika_core.cli.plan", "Show each layer's decision and its causes."),
    "sensitivity": ("clika_core.cli.sensitivity", "Measure what quantization does to each layer."),
    "settings": ("clika_core.cli.settings", "Print a settings file to start from, or its JSON Schema."),
    "verify": ("clika_core.cli.verify", "Check a deployed file against its report, layer by layer."),
    "trace": ("clika_core.cli.trace", "Write the graph of a model."),
}


class CommandGroup(click.Group):
    """Built-in commands from `COMMANDS`, and those of plugins; a module is imported when its command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, sorted."""
        return sorted({*COMMANDS, *_from_plugins()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name in COMMANDS:
            command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
            return command
        return _from_plugins().get(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of `clika --help`, without importing a built-in command."""
        rows = [(name, text) for name, (_, text) in COMMANDS.items()]
        rows += [(name, command.get_short_help_str()) for name, command in _from_plugins().items()]
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit with its code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(_run(given, is_debug="--debug" in given))


def _run(arguments: list[str], is_debug: bool) -> int:
    try:
        result = clika.main(arguments, prog_name="clika", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Abort:
        return _say("interrupted", INTERRUPTED)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except ClikaError as error:
        return _say(f"error: {error}", USAGE, is_debug)
    except KeyboardInterrupt:
        return _say("interrupted", INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the last resort: every error becomes an exit code
        more = "" if is_debug else ", with what --debug prints"
        message = (
            f"internal error: {type(error).__name__}: {error}\n"
            f"  found: {_place(error)}, clika {__version__}\n"
            f"  fix: this is a bug in clika; please report it with these lines{more}"
        )
        return _say(message, BUG, is_debug)


def _place(error: Exception) -> str:
    """The deepest line of an error's traceback, as module and line."""
    found = error.__traceback__
    while found is not None and found.tb_next is not None:
        found = found.tb_next
    return "no line" if found is None else f"{found.tb_frame.f_globals.get('__name__')}:{found.tb_lineno}"


def _say(message: str, code: int, is_debug: bool = False) -> int:
    if is_debug:
        import traceback  # here: it is slow to import

        traceback.print_exc()
    click.echo(message, err=True)
    return code


def _from_plugins() -> dict[str, Any]:
    from clika_core.plugins.registry import commands

    return commands()
