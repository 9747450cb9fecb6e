"""`Journal`: what a run says, and everyone who listens: a console, a log file, a caller's function.

The pipeline says; listeners decide what they show. A message has a level:

    DETAIL  for the log            every parsed layer, every skipped one with its causes
    INFO    a result               counts, scores
    STEP    what begins now        trace, calibrate, ...
    NOTE    look at this           a setting without effect, data that is missing
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import TypeAlias, TypeVar

T = TypeVar("T")
Progress: TypeAlias = Callable[[str], None]


class Level(IntEnum):
    """How much a message matters; a listener shows what is at or above its own."""

    DETAIL = 10
    INFO = 20
    STEP = 25
    NOTE = 30


Listener: TypeAlias = Callable[[Level, str], None]
Tracker: TypeAlias = Callable[[Iterable[T], str, int | None], Iterator[T]]


class Journal:
    """Says a message to every listener, in order. `tracker` shows how far a loop is; None shows nothing."""

    def __init__(self, *listeners: Listener, tracker: Tracker[object] | None = None) -> None:
        """Without listeners it is silent."""
        self._listeners = list(listeners)
        self._tracker = tracker

    @classmethod
    def of(cls, progress: Progress | Journal | None) -> Journal:
        """The journal of a caller who gives a function: it hears the steps, and the notes after "note: "."""
        if isinstance(progress, Journal):
            return progress
        return cls() if progress is None else cls(_heard_by(progress))

    def detail(self, text: str) -> None:
        """Say what only the log needs."""
        self._say(Level.DETAIL, text)

    def info(self, text: str) -> None:
        """Say a result."""
        self._say(Level.INFO, text)

    def step(self, text: str) -> None:
        """Say what begins."""
        self._say(Level.STEP, text)

    def note(self, text: str) -> None:
        """Say what the user should look at."""
        self._say(Level.NOTE, text)

    def track(self, items: Iterable[T], what: str, total: int | None = None) -> Iterable[T]:
        """The same items; on the way the tracker shows how many of `total` (None: unknown) have gone by."""
        if self._tracker is None:
            return items
        return self._tracker(items, what, total)  # type: ignore[return-value]

    @contextmanager
    def heard_by(self, listener: Listener) -> Iterator[None]:
        """One listener more while the block runs."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def _say(self, level: Level, text: str) -> None:
        for listener in tuple(self._listeners):
            listener(level, text)


def _heard_by(progress: Progress) -> Listener:
    def listen(level: Level, text: str) -> None:
        if level >= Level.STEP:
            progress(f"note: {text}" if level is Level.NOTE else text)

    return listen
