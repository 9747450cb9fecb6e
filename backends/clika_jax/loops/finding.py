"""Finding, among marked equations, consecutive iterations that are the same program, and making loops of them."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from jax.extend.core import Literal, Var

from clika_jax.loops.iterations import Mark, mark_of
from clika_jax.loops.segments import Segment

Readers: TypeAlias = Mapping[Var, set[Mark | None]]
"""In which iterations a variable is read; None: outside of any."""


@dataclass(frozen=True, eq=False)
class Loop:
    """Iterations as a loop.

    `body` computes the first of them. `carried` are variables that it reads, with its results that the next
    iteration finds in their place; `stacked` are variables that it reads, with what each iteration has there,
    variables or numbers; `collected` are its results, with what they are called in each iteration, None where nobody
    asks. `ends` are carried results, with what they are called in the last iteration.
    """

    body: Sequence[Step]
    length: int
    carried: Sequence[tuple[Var, Var]]
    stacked: Sequence[tuple[Var, Sequence[Any]]]
    collected: Sequence[tuple[Var, Sequence[Var | None]]]
    ends: Sequence[tuple[Var, Var]]
    reads: frozenset[Var]
    makes: frozenset[Var]


Step: TypeAlias = "Any | Loop"
"""An equation, or iterations in a loop."""


def steps(equations: Sequence[Any], results: Sequence[Any], depth: int = 0) -> list[Step]:
    """Equations with the loops at this depth kept, those inside of them too, in an order in which they compute."""
    marks = [mark_of(equation, depth) for equation in equations]
    if not any(marks):
        return list(equations)
    readers: dict[Var, set[Mark | None]] = {}
    iterations: dict[Any, dict[Mark, list[Any]]] = {}
    found: list[Step] = []
    for mark, equation in zip(marks, equations, strict=True):
        for variable in _variables(equation.invars):
            readers.setdefault(variable, set()).add(mark)
        if mark is None:
            found.append(equation)
        else:
            iterations.setdefault(mark.loop, {}).setdefault(mark, []).append(equation)
    for variable in _variables(results):
        readers.setdefault(variable, set()).add(None)
    for loop in iterations.values():
        for run in _runs(loop):
            found += run.first.equations if len(run.segments) == 1 else [run.loop(readers, depth)]
    return _ordered(found) or list(equations)


def _runs(iterations: Mapping[Mark, Sequence[Any]]) -> Iterator[_Run]:
    """All iterations, those together that are one program."""
    run: _Run | None = None
    for mark, equations in iterations.items():
        segment = Segment.of(equations)
        if run is None or not run.takes(segment):
            if run is not None:
                yield run
            run = _Run()
        run.add(mark, segment)
    if run is not None:
        yield run


class _Run:
    """Consecutive iterations that are one program, each on what the one before made.

    `origins` say of everything that enters an iteration which result of the one before it is, None for none.
    """

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self.marks: list[Mark] = []
        self.origins: list[int | None] | None = None
        self._made: set[Var] = set()

    @property
    def first(self) -> Segment:
        return self.segments[0]

    def takes(self, new: Segment) -> bool:
        """Whether an iteration may follow: what it reads of the run, it reads where the others do, of the last."""
        if not self.first.is_same(new):
            return False
        origins = self._origins(new)
        is_older = any(
            origin is None and variable in self._made
            for variable, origin in zip(new.entering, origins, strict=True)
        )
        return self.origins in (None, origins) and not is_older

    def add(self, mark: Mark, segment: Segment) -> None:
        """The next iteration."""
        if self.segments:
            self.origins = self._origins(segment)
        self.segments.append(segment)
        self.marks.append(mark)
        self._made.update(segment.made)

    def _origins(self, new: Segment) -> list[int | None]:
        before = self.segments[-1]
        return [before.made.get(variable) for variable in new.entering]

    def loop(self, readers: Readers, depth: int) -> Loop:
        """The iterations as a loop at this depth."""
        first, last, origins = self.first, self.segments[-1], self.origins or []
        places = list(zip(first.entering, origins, strict=True))
        carried = [(variable, first.results[origin]) for variable, origin in places if origin is not None]
        rows = zip(*(segment.entering for segment in self.segments), strict=True)
        stacked = [
            (row[0], row)
            for row, origin in zip(rows, origins, strict=True)
            if origin is None and len(set(row)) > 1
        ]
        collected = self._collected(readers)
        equations, numbers = _without_numbers(self.segments)
        wanted = [*(result for _, result in carried), *(variable for variable, _ in collected)]
        entering = {variable for segment in self.segments for variable in segment.entering}
        return Loop(
            steps(equations, wanted, depth + 1),
            len(self.segments),
            carried,
            [*stacked, *numbers],
            collected,
            [(first.results[origin], last.results[origin]) for origin in self._kept],
            frozenset(entering - self._made),
            frozenset(self._made),
        )

    @property
    def _kept(self) -> list[int]:
        """The results that are carried, by their positions."""
        return sorted({origin for origin in self.origins or () if origin is not None})

    def _collected(self, readers: Readers) -> list[tuple[Var, list[Var | None]]]:
        """The results that anything else reads but their own iteration, and the one that they are carried to.

        What the last iteration carries comes out of the loop anyway.
        """
        kept, found = set(self._kept), []
        following = [*self.marks[1:], None]
        for position, row in enumerate(zip(*(segment.results for segment in self.segments), strict=True)):
            names: list[Var | None] = []
            for variable, own, after in zip(row, self.marks, following, strict=True):
                known = {own, after} if position in kept and after else {own}
                is_end = position in kept and after is None
                names.append(None if is_end or readers.get(variable, set()) <= known else variable)
            if any(name is not None for name in names):
                found.append((row[0], names))
        return found


def _without_numbers(segments: Sequence[Segment]) -> tuple[list[Any], list[tuple[Var, Sequence[Any]]]]:
    """The first segment's equations with a variable for each number that is another one in another segment."""
    rows = iter(zip(*(segment.numbers for segment in segments), strict=True))
    equations: list[Any] = []
    stacked: list[tuple[Var, Sequence[Any]]] = []
    for equation in segments[0].equations:
        operands = list(equation.invars)
        for place, operand in enumerate(operands):
            if isinstance(operand, Literal):
                dtype: Any = operand.aval.dtype  # type: ignore[attr-defined]
                values = [np.asarray(value, dtype) for value in next(rows)]
                if len({value.tobytes() for value in values}) > 1:
                    operands[place] = Var(operand.aval)
                    stacked.append((operands[place], values))
        equations.append(equation.replace(invars=operands))
    return equations, stacked


def _ordered(found: Sequence[Step]) -> list[Step] | None:
    """The steps in an order in which they can be computed; None where there is none."""
    makers = {variable: place for place, step in enumerate(found) for variable in _makes(step)}
    waits = [{makers[variable] for variable in _reads(step) if variable in makers} for step in found]
    readers: dict[int, list[int]] = {}
    for place, needed in enumerate(waits):
        for other in needed:
            readers.setdefault(other, []).append(place)
    ready = [place for place, needed in enumerate(waits) if not needed]
    order: list[Step] = []
    while ready:
        place = heapq.heappop(ready)
        order.append(found[place])
        for reader in readers.get(place, ()):
            waits[reader].discard(place)
            if not waits[reader]:
                heapq.heappush(ready, reader)
    return order if len(order) == len(found) else None


def _reads(step: Step) -> frozenset[Var] | list[Var]:
    return step.reads if isinstance(step, Loop) else _variables(step.invars)


def _makes(step: Step) -> Any:
    return step.makes if isinstance(step, Loop) else step.outvars


def _variables(atoms: Sequence[Any]) -> list[Var]:
    return [atom for atom in atoms if not isinstance(atom, Literal)]
