"""What a training says: on the console, and complete in `logs/clika_<timestamp>.log`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from clika_core.backend.workers import ALONE, Workers
from clika_core.pipeline.journal import Journal, Level
from clika_core.pipeline.log_file import log_name, logged_to


@contextmanager
def training_log(folder: Path, workers: Workers = ALONE) -> Iterator[Journal]:
    """A journal that is heard on standard error, details left out, and in a new log inside `folder`.

    Of several workers the first one alone is heard.
    """
    if not workers.is_first:
        yield Journal()
        return
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)

    def show(level: Level, text: str) -> None:
        if level >= Level.INFO:
            console.print(f"note: {text}" if level is Level.NOTE else text)

    journal = Journal(show)
    with logged_to(folder / "logs" / log_name(), journal):
        yield journal


def tell_details(journal: Journal, *parts: Iterator[str]) -> None:
    """Say lines that only the log needs."""
    for lines in parts:
        for line in lines:
            journal.detail(line)
