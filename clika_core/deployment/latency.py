"""How long models take, taking turns."""

from __future__ import annotations

import time
from collections.abc import Mapping

from clika_core.backend.model_file import Arrays, Runner


def latency_seconds(
    runners: Mapping[str, Runner], inputs: Arrays, *, rounds: int = 30, warm_up: int = 3
) -> dict[str, float]:
    """The shortest time of one run of each, in seconds; they take turns, so that noise is shared."""
    best = dict.fromkeys(runners, float("inf"))
    for round_ in range(warm_up + rounds):
        for name, run in runners.items():
            started = time.perf_counter()
            run(inputs)
            elapsed = time.perf_counter() - started
            if round_ >= warm_up:
                best[name] = min(best[name], elapsed)
    return best
