"""What a command shows while it works: steps and notes on standard error, a bar for what takes over a second.

Where standard error is no terminal, a plain line instead of a bar, now and then.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from clika_core.pipeline.interruption import terminable
from clika_core.pipeline.journal import Journal, Level
from clika_core.pipeline.log_file import logged_to

_PATIENCE: Final = 1.0  # seconds before a loop is worth a bar
_INTERVAL: Final = 10.0  # seconds between plain lines


class ConsoleListener:
    """Prints what is at or above `level`, with the seconds since the command began."""

    def __init__(self, console: Console, level: Level) -> None:
        """Nothing is printed yet."""
        self.console, self._level, self._began = console, level, time.perf_counter()

    def __call__(self, level: Level, text: str) -> None:
        """Print one message."""
        if level >= self._level:
            lead = "note: " if level is Level.NOTE else ""
            self.console.print(f"{time.perf_counter() - self._began:6.1f} s  {lead}{text}", soft_wrap=True)

    def track(self, items: Iterable[Any], what: str, total: int | None) -> Iterator[Any]:
        """The items, with a bar or plain lines once they take over a second."""
        began, shown = time.perf_counter(), 0.0
        with ExitStack() as stack:
            bar = task = None
            for number, item in enumerate(items, start=1):
                yield item
                elapsed = time.perf_counter() - began
                if self._level > Level.STEP or elapsed < _PATIENCE:
                    continue
                if not self.console.is_terminal:
                    if elapsed - shown >= _INTERVAL:
                        self(Level.STEP, f"{what} {number}" + (f"/{total}" if total else ""))
                        shown = elapsed
                    continue
                if bar is None:
                    bar = stack.enter_context(_bar(self.console))
                    task = bar.add_task(what, total=total)
                if task is not None:
                    bar.update(task, completed=number)


@contextmanager
def listening(verbose: bool, quiet: bool, log_file: str | None) -> Iterator[Journal]:
    """A journal that the console hears, and the file `log_file` where one is named."""
    level = Level.DETAIL if verbose else Level.NOTE if quiet else Level.INFO
    listener = ConsoleListener(Console(stderr=True, markup=False, highlight=False, emoji=False), level)
    journal = Journal(listener, tracker=listener.track)
    with terminable(), ExitStack() as stack:
        if log_file is not None:
            stack.enter_context(logged_to(Path(log_file), journal))
        yield journal


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:>12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
