"""What the user's own code raises is told as theirs: with its last line, and what it said."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from clika_core.errors import ClikaError, DataError, Location

T = TypeVar("T")


@contextmanager
def told_as_theirs(
    what: str, kind: type[ClikaError] = DataError, fix: str = "mend that code"
) -> Iterator[None]:
    """Turn what the block raises into a `kind` that names the place in the user's code; ours goes through."""
    try:
        yield
    except ClikaError:
        raise
    except Exception as error:
        raise raised_by(what, error, kind, fix) from error


def iterate_as_theirs(items: Iterable[T], what: str) -> Iterator[T]:
    """The items; what the iteration raises is told as theirs, with the number of the item."""
    iterator = iter(items)
    number = 0
    while True:
        with told_as_theirs(f"{what}, batch {number} (counted from 0),"):
            try:
                item = next(iterator)
            except StopIteration:
                return
        yield item
        number += 1


def raised_by(what: str, error: Exception, kind: type[ClikaError], fix: str) -> ClikaError:
    """The error to tell the user about their own: kind of exception, message, deepest line."""
    frames = traceback.extract_tb(error.__traceback__)
    frame = frames[-1] if frames else None
    return kind(
        f"{what} raised {type(error).__name__}",
        found=str(error) or "no message",
        fix=fix,
        location=Location(frame.filename, frame.lineno or 1) if frame else None,
    )
