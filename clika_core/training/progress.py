"""What the user reads while a model trains: one line per some steps, a table per epoch."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

Say = Callable[[str], None]


class MovingAverage:
    """The mean of the last `size` values."""

    def __init__(self, size: int) -> None:
        """Nothing seen."""
        self._values: deque[float] = deque(maxlen=size)

    def add(self, value: float) -> float:
        """Take in a value; the mean now."""
        self._values.append(value)
        return self.value

    @property
    def value(self) -> float:
        """The mean, 0 of nothing."""
        return sum(self._values) / len(self._values) if self._values else 0.0


class Stopwatch:
    """Seconds spent, by what they were spent on; averaged over the last `size` times."""

    def __init__(self, size: int) -> None:
        """Nothing measured."""
        self._size = size
        self._means: dict[str, MovingAverage] = {}

    @contextmanager
    def measure(self, what: str) -> Iterator[None]:
        """Measure the block."""
        started = time.perf_counter()
        yield
        self._means.setdefault(what, MovingAverage(self._size)).add(time.perf_counter() - started)

    def mean(self, what: str) -> float:
        """Mean seconds; 0 of what was never measured."""
        return self._means[what].value if what in self._means else 0.0


class StepLines:
    """Lines of steps: loss, moving average, learning rate, data and iteration time, memory, time left."""

    def __init__(self, say: Say, *, interval: int, window: int, num_epochs: int) -> None:
        """A line every `interval` steps; averages over `window` steps."""
        self._say, self._interval, self._num_epochs = say, interval, num_epochs
        self._window = window
        self._averages: dict[str, MovingAverage] = {}

    def step(
        self,
        epoch: int,
        step: int,
        steps: int | None,
        losses: Mapping[str, float],
        watch: Stopwatch,
        learning_rate: float,
        memory_bytes: int | None,
    ) -> None:
        """Take in one step (counted from 1), and say it where it is its turn or the epoch's last one."""
        for name, value in losses.items():
            self._averages.setdefault(name, MovingAverage(self._window)).add(value)
        if step % self._interval and step != steps:
            return
        shown = ", ".join(
            f"{name} {value:.5g} (mean {self._averages[name].value:.5g})" for name, value in losses.items()
        )
        seconds = watch.mean("data") + watch.mean("iteration")
        left = "" if steps is None else f", left {duration((steps - step) * seconds)}"
        memory = "" if memory_bytes is None else f", memory {memory_bytes / 2**20:.0f} MiB"
        self._say(
            f"epoch {epoch}/{self._num_epochs}, step {step}{'' if steps is None else f'/{steps}'}: {shown}, "
            f"learning rate {learning_rate:.3g}, data {watch.mean('data'):.3f} s, "
            f"iteration {watch.mean('iteration'):.3f} s{left}{memory}"
        )


def epoch_lines(summary: Mapping[str, Any]) -> Iterator[str]:
    """The table of an epoch: value, best so far, original value and the difference to it."""
    yield f"epoch {summary['epoch']}: summary"
    for group in ("training", "evaluation"):
        for name, entry in summary[group].items():
            original = (
                ""
                if entry["original"] is None
                else (f", original {entry['original']:.5g}, difference {entry['difference']:+.5g}")
            )
            yield (
                f"  {group} {name}: {entry['value']:.5g} "
                f"(best {entry['best']:.5g} in epoch {entry['best_epoch']}{original})"
            )


def duration(seconds: float) -> str:
    """`1:02:03`, or `2:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
