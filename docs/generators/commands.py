"""The page of commands: what `--help` says of each, exit codes, and environment variables."""

from __future__ import annotations

import importlib

import click

from clika_core.cli.main import BUG, COMMANDS, INTERRUPTED, UNREAD, USAGE
from clika_core.plugins.cache_folder import NO_CACHE
from clika_core.plugins.guard import PATIENCE_SECONDS
from clika_core.plugins.manager import DISABLE, PATIENCE
from clika_linter.registration import clika_register_commands
from docs.generators.markdown import block, code, page, table

_WIDTH = 100
_EXITS = (
    ("0", "done, nothing to report"),
    ("1", "findings: `lint`, `verify`, `diff --exit-code`"),
    (str(USAGE), "a mistake in usage or input, or something that has to be installed first"),
    (str(BUG), "a bug of ours; the message says what to report"),
    (str(INTERRUPTED), "interrupted; 143 where SIGTERM asked for it"),
    (str(UNREAD), "whoever read the output left before its end, as `head` does"),
)
_VARIABLES = (
    (DISABLE, "names of plugins to leave out, separated by commas"),
    (PATIENCE, f"how long a plugin may take to load or to answer, in seconds; default {PATIENCE_SECONDS:g}"),
    (NO_CACHE, "anything: remember nothing between runs"),
)


def page_commands() -> dict[str, click.Command]:
    """The project's own commands by name."""
    built_in = {name: importlib.import_module(module).command for name, (module, _) in COMMANDS.items()}
    return {**built_in, **{entry.name: entry.load() for entry in clika_register_commands()}}


def help_of(name: str, command: click.Command) -> str:
    """What `clika NAME --help` prints on a wide terminal."""
    context = click.Context(
        command,
        info_name=f"clika {name}",
        terminal_width=_WIDTH,
        max_content_width=_WIDTH,
        help_option_names=["-h", "--help"],
    )
    return command.get_help(context)


def page_text() -> str:
    """The page."""
    commands = sorted(page_commands().items())
    summary = [
        (f"[`clika {name}`](#clika-{name})", command.get_short_help_str(100)) for name, command in commands
    ]
    return page(
        "Command line",
        "Every command prints this with `--help`. What a machine may read comes with `--format json`.",
        table(("command", "does"), summary),
        "## Exit codes",
        table(("code", "meaning"), _EXITS),
        "## Environment variables",
        table(("variable", "meaning"), [(code(name), text) for name, text in _VARIABLES]),
        *(f"## clika {name}\n\n{block(help_of(name, command))}" for name, command in commands),
    )
