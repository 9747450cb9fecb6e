"""Workers say the same everywhere, the first one acts for all, and what one meets all meet."""

from __future__ import annotations

import math

from clika_core.backend.workers import ALONE, Workers
from clika_core.errors import ModelError, OutputError
from tests.core.together import together


def test_every_worker_hears_what_all_say_to_the_last_bit() -> None:
    def say(workers: Workers) -> list[object]:
        return workers.told({"rank": workers.rank, "third": (workers.rank + 1) / 3, "none": math.inf})

    found = together(3, say)
    assert found[0] == found[1] == found[2]
    assert found[0] == [{"rank": r, "third": (r + 1) / 3, "none": math.inf} for r in range(3)]


def test_the_first_worker_acts_alone_and_the_others_wait() -> None:
    acted: list[int] = []

    def act(workers: Workers) -> str | None:
        def first() -> str:
            acted.append(workers.rank)
            return "done"

        return workers.once(first)

    assert together(3, act) == ["done", None, None]
    assert acted == [0]


def test_what_the_first_worker_meets_is_raised_in_all() -> None:
    def fail(workers: Workers) -> None:
        def write() -> None:
            raise OutputError("cannot write", found="no space", fix="free space")

        workers.once(write)

    for error in together(2, fail):
        assert isinstance(error, OutputError)
        assert str(error) == "cannot write\n  found: no space\n  fix: free space"


def test_workers_that_differ_are_told_which() -> None:
    for error in together(3, lambda workers: workers.agree("the plan", workers.rank // 2)):
        assert isinstance(error, ModelError)
        assert error.found == "worker 0: 0; worker 2: 1"
    assert together(2, lambda workers: workers.agree("the plan", [1])) == [None, None]


def test_one_process_is_alone() -> None:
    assert (ALONE.is_first, ALONE.count, ALONE.told([1]), ALONE.once(lambda: 3)) == (True, 1, [[1]], 3)
