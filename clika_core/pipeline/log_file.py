"""The log of a run: everything it says, complete, whatever the console shows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from clika_core.errors import OutputError
from clika_core.pipeline.journal import Journal, Level, Listener


def log_name() -> str:
    """`clika_<timestamp>.log`, by the local clock."""
    return f"clika_{time.strftime('%Y%m%d_%H%M%S')}.log"


@contextmanager
def logged_to(path: Path, journal: Journal) -> Iterator[None]:
    """Everything the journal says goes into a new file at `path` too. Raises OutputError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("w", encoding="utf-8")
    except OSError as problem:
        raise OutputError(f"the log {path} cannot be written", found=problem.strerror) from None
    with stream, journal.heard_by(_writer(stream)):
        yield


def _writer(stream: TextIO, clock: Callable[[], float] = time.monotonic) -> Listener:
    """Writes each line with the seconds since the log began and its level, at once: it can be followed."""
    began = clock()

    def write(level: Level, text: str) -> None:
        head = f"{clock() - began:9.3f} {level.name:<6} "
        stream.writelines(f"{head}{line}\n" for line in text.splitlines() or [""])
        stream.flush()

    return write
