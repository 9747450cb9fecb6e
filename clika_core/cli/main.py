"""`clika`: what the console script runs, and one place where errors become exit codes.

0 done    1 findings    2 usage, input, something missing    70 our bug    130 interrupted
141 whoever read the output left, as `head` does (128 + SIGPIPE, as shells say it of any program)

Imports no click: `clika_core.cli.group` does, for everything but commands that can run without it.
"""

from __future__ import annotations

import errno
import gc
import os
import sys
from collections.abc import Callable, Sequence
from typing import Final, NoReturn

from clika_core import __version__
from clika_core.errors import ClikaError
from clika_core.ir.collection import paused_collection

USAGE, BUG, INTERRUPTED, UNREAD = 2, 70, 130, 141

NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EROFS, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC)})
"""What a machine answers that cannot write: nobody's bug, wherever it is met."""

# name -> (module with an attribute `command`, the line of `clika --help`)
COMMANDS = {
    "backends": (
        "clika_core.cli.backends",
        "Show what is installed: frameworks, devices, gaps.",
    ),
    "compress": ("clika_core.cli.compress", "Quantize your model on your data, end to end."),
    "demo": ("clika_core.cli.demo", "Quantize a trained network on real images, end to end."),
    "diff": ("clika_core.cli.diff", "Compare two settings files, reports or graphs."),
    "explain": ("clika_core.cli.explain", "Explain why a layer is float, or what a rule costs."),
    "draw": ("clika_core.cli.draw", "Draw a graph, with decisions where settings are given."),
    "plan": ("clika_core.cli.plan", "Show each layer's decision and its causes."),
    "sensitivity": ("clika_core.cli.sensitivity", "Measure what quantization does to each layer."),
    "settings": ("clika_core.cli.settings", "Print a settings file to start from, or its JSON Schema."),
    "verify": ("clika_core.cli.verify", "Check a deployed file against its report, layer by layer."),
    "trace": ("clika_core.cli.trace", "Write the graph of a model."),
}


class UnreadError(Exception):
    """A broken pipe, by a name that click does not take for a finding (it would exit with 1)."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit with its code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    with paused_collection():
        code = _run(given, _run_quickly)
        if code is not None:
            _exit(code, ends_process=arguments is None)
    _exit(_run(given, _run_with_click), ends_process=arguments is None)


def _exit(code: int | None, ends_process: bool) -> NoReturn:
    if ends_process:
        gc.freeze()  # looking through all objects for garbage would only take time
    sys.exit(code)


def _run(arguments: list[str], action: Callable[[list[str]], int | None]) -> int | None:
    """What `action` returns, or the exit code of the error that it raised."""
    is_debug = "--debug" in arguments
    try:
        return action(arguments)
    except ClikaError as error:
        return _say(f"error: {error}", USAGE, is_debug)
    except KeyboardInterrupt as interrupt:
        return _say("interrupted", getattr(interrupt, "exit_code", INTERRUPTED))
    except SystemExit as leaving:  # rich ends the process itself when nobody reads
        if isinstance(leaving.__context__, BrokenPipeError):
            return _unread()
        raise
    except (BrokenPipeError, UnreadError):
        return _unread()
    except Exception as error:  # noqa: BLE001 - the last resort: every error becomes an exit code
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            where = error.filename or "what was asked for"
            return _say(f"error: cannot write {where}\n  found: {error.strerror}", USAGE, is_debug)
        return _say(_bug(error, arguments, is_debug), BUG, is_debug)


def _bug(error: Exception, arguments: Sequence[str], is_debug: bool) -> str:
    """What to report, and to whom."""
    more = "" if is_debug else ", with what --debug prints"
    return (
        f"internal error: {type(error).__name__}: {error}\n"
        f"  found: {_place(error)}, clika {__version__}\n"
        f"  fix: this is a bug in {_culprit(arguments) or 'clika'}; please report it with these lines{more}"
    )


def _unread() -> int:
    """Say nothing, and let nothing be said when Python flushes what is left."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return UNREAD


def _culprit(arguments: Sequence[str]) -> str | None:
    """The plugin of a stranger whose command was running, if it was one's."""
    from clika_core.plugins.manager import plugins
    from clika_core.plugins.registry import registered

    name = next((argument for argument in arguments if not argument.startswith("-")), "")
    plugin = None if name in COMMANDS else registered("clika_register_commands").plugins.get(name)
    if plugin is None or plugins().plugin(plugin).is_own:
        return None
    point = plugins().plugin(plugin).point
    return f"plugin {point.name!r} of {point.distribution} {point.version}"


def _place(error: Exception) -> str:
    """The deepest line of an error's traceback, as module and line."""
    found = error.__traceback__
    while found is not None and found.tb_next is not None:
        found = found.tb_next
    return "no line" if found is None else f"{found.tb_frame.f_globals.get('__name__')}:{found.tb_lineno}"


def _run_with_click(arguments: list[str]) -> int:
    from clika_core.cli.group import run

    return run(arguments)


def _run_quickly(arguments: Sequence[str]) -> int | None:
    """The exit code of a plugin's command that could run without click, else None."""
    if not arguments or arguments[0].startswith("-") or arguments[0] in COMMANDS:
        return None
    from clika_core.plugins.command_entry import CommandEntry
    from clika_core.plugins.registry import commands

    found = commands().get(arguments[0])
    return found.run_quickly(arguments[1:]) if isinstance(found, CommandEntry) else None


def _say(message: str, code: int, is_debug: bool = False) -> int:
    if is_debug:
        import traceback  # here: it is slow to import

        traceback.print_exc()
    encoding = sys.stderr.encoding or "utf-8"
    sys.stderr.write(message.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    return code
