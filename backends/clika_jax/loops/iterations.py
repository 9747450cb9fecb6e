"""Marks of iterations: while a program is made out of unrolled loops, each equation says of which iteration it is.

A mark is a name scope. Marks are set inside `marked_runs` alone, so that nobody else meets them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, TypeAlias

import jax

Iterations: TypeAlias = tuple[tuple[int, int], ...]
"""The loops around an operation, outermost first: the number of each, and the index of the iteration."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One iteration of one loop of one run of a program."""

    loop: tuple[int, ...]
    index: int


_MARK: Final = re.compile(r"iterations_(\d+)((?:_\d+_\d+)+)")
_RUNS: ContextVar[Iterator[int] | None] = ContextVar("runs", default=None)


@contextmanager
def marked_runs() -> Iterator[None]:
    """Every run of an interpreter inside marks its iterations, with a number of its own."""
    token = _RUNS.set(count())
    try:
        yield
    finally:
        _RUNS.reset(token)


def next_run() -> int | None:
    """The number of a run that begins; None where nobody asked for marks."""
    runs = _RUNS.get()
    return None if runs is None else next(runs)


def marked(run: int | None, iterations: Iterations) -> AbstractContextManager[Any]:
    """The scope in which an operation of these iterations is computed."""
    if run is None or not iterations:
        return nullcontext()
    path = "".join(f"_{loop}_{index}" for loop, index in iterations)
    scope: AbstractContextManager[Any] = jax.named_scope(f"iterations_{run}{path}")
    return scope


def mark_of(equation: Any, depth: int) -> Mark | None:
    """The iteration that an equation is of at this depth, 0 being the outermost loop; None outside of any."""
    found = _MARK.search(str(equation.source_info.name_stack))
    if found is None:
        return None
    numbers = [int(number) for number in found[2].split("_")[1:]]
    if len(numbers) <= 2 * depth:
        return None
    return Mark((int(found[1]), *numbers[: 2 * depth + 1]), numbers[2 * depth + 1])
