"""Workers that are threads of one process: what the core does with several, without a framework."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from clika_core.backend.workers import Workers

T = TypeVar("T")


class _Meeting:
    def __init__(self, count: int) -> None:
        self.barrier = threading.Barrier(count, timeout=60)
        self.messages: list[bytes] = [b""] * count


class ThreadWorkers(Workers):
    """Member `rank` of a meeting."""

    def __init__(self, rank: int, count: int, meeting: _Meeting) -> None:
        self.rank, self.count, self._meeting = rank, count, meeting

    def gather(self, message: bytes) -> Sequence[bytes]:
        self._meeting.messages[self.rank] = message
        self._meeting.barrier.wait()
        found = list(self._meeting.messages)
        self._meeting.barrier.wait()
        return found


def together(count: int, work: Callable[[Workers], T]) -> list[T | Exception]:
    """What each of `count` workers returns or raises, by rank."""
    meeting = _Meeting(count)
    found: dict[int, T | Exception] = {}

    def run(rank: int) -> None:
        try:
            found[rank] = work(ThreadWorkers(rank, count, meeting))
        except Exception as error:  # noqa: BLE001 - the test looks at it
            found[rank] = error

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[rank] for rank in range(count)]
