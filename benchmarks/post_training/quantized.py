"""What a tool makes of a case: a function, what it covers, and what making it took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.post_training.cases import Arrays
from benchmarks.post_training.coverage import Coverage

Outputs = list[NDArray[Any]]


@dataclass
class Clock:
    """Processor seconds by part, and those of the `wall`: `capture` is tracing or export, `quantize` what follows.

    `sensitivity`, which our pipeline measures on the way and no peer does, is counted apart.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    wall: dict[str, float] = field(default_factory=dict)
    _part: str = ""
    _since: tuple[float, float] = (0.0, 0.0)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count what runs within towards one part."""
        self._turn(name)
        yield
        self._turn("")

    def step(self, name: str) -> None:
        """A step of our pipeline begins within `quantize`."""
        self._turn("sensitivity" if name == "sensitivity" else "quantize")

    def _turn(self, name: str) -> None:
        now = time.process_time(), time.perf_counter()
        if self._part:
            for seconds, end, start in zip((self.seconds, self.wall), now, self._since, strict=True):
                seconds[self._part] = seconds.get(self._part, 0.0) + end - start
        self._part, self._since = name, now


@dataclass(frozen=True)
class Quantized:
    """`run` takes a batch; `runs_in` says whether that is a runtime or a simulation."""

    run: Callable[[Arrays], Outputs]
    coverage: Coverage
    clock: Clock
    runs_in: str


def tensors(batch: Arrays) -> dict[str, torch.Tensor]:
    """The batch as torch tensors."""
    return {name: torch.from_numpy(array) for name, array in batch.items()}


def float_outputs(model: torch.nn.Module, batch: Arrays) -> Outputs:
    """What the torch model gives for a batch."""
    with torch.no_grad():
        found = model(*tensors(batch).values())
    return [value.numpy() for value in (found if isinstance(found, tuple) else (found,))]


def padded(batch: Arrays, size: int) -> dict[str, NDArray[Any]]:
    """The batch filled up to `size` with its last sample."""
    have = len(next(iter(batch.values())))
    return {name: np.concatenate([a, np.repeat(a[-1:], size - have, axis=0)]) for name, a in batch.items()}
