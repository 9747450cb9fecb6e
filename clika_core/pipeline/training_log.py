"""What a training says: on the console, and complete in `logs/clika_<timestamp>.log`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from clika_core.backend.workers import ALONE, Workers
from clika_core.pipeline.interruption import TERMINATED, Terminated, terminable
from clika_core.pipeline.journal import Journal, Level
from clika_core.pipeline.log_file import log_name, logged_to


@contextmanager
def training_log(folder: Path, workers: Workers = ALONE) -> Iterator[Journal]:
    """A journal that is heard on standard error, details left out, and in a new log inside `folder`.

    Of several workers the first one alone is heard. Ctrl-C and SIGTERM are told in one message; after SIGTERM the
    process exits with 143, as a shell would say it.
    """
    if not workers.is_first:
        with _told(Journal(), folder):
            yield Journal()
        return
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)

    def show(level: Level, text: str) -> None:
        if level >= Level.INFO:
            console.print(f"note: {text}" if level is Level.NOTE else text)

    journal = Journal(show)
    with logged_to(folder / "logs" / log_name(), journal), _told(journal, folder):
        yield journal


@contextmanager
def _told(journal: Journal, folder: Path) -> Iterator[None]:
    try:
        with terminable():
            yield
    except KeyboardInterrupt as interrupt:
        journal.note(f"interrupted: {_left(folder)}")
        if isinstance(interrupt, Terminated):
            raise SystemExit(TERMINATED) from None
        raise


def _left(folder: Path) -> str:
    """Where to go on."""
    found = [
        (number, path) for path in folder.glob("epoch_*/model.pompom") if (number := _epoch(path)) is not None
    ]
    if not found:
        return "no state is saved yet"
    return f"clika_resume goes on from {max(found)[1]}"


def _epoch(path: Path) -> int | None:
    number = path.parent.name.removeprefix("epoch_")
    return int(number) if number.isdecimal() else None


def tell_details(journal: Journal, *parts: Iterator[str]) -> None:
    """Say lines that only the log needs."""
    for lines in parts:
        for line in lines:
            journal.detail(line)
