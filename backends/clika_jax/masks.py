"""Scores that are replaced by a large negative number in front of a softmax become scores to which it is added.

`softmax(where(allowed, scores, -1e9))` and `softmax(scores + where(allowed, 0, -1e9))` are the same probabilities:
what is not allowed vanishes, and where nothing is allowed all are alike. The core knows attention by the second form.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from jax import lax

from clika_core.ir.recording import Ref
from clika_jax.flat import Equation, FlatProgram, Number

LEAST: Final = -1e9
"""Above this, a number that is added does not make every score vanish."""


def with_added_masks(program: FlatProgram) -> FlatProgram:
    """The program with every such choice written as a sum."""
    readers = _readers(program)
    equations = [part for equation in program.equations for part in _parts(equation, readers)]
    return replace(program, equations=tuple(equations))


def _readers(program: FlatProgram) -> Mapping[str, Collection[str]]:
    """The names of the operations that read each equation; what the program returns is read by `return`."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for equation in program.equations:
        for operand in equation.operands:
            if isinstance(operand, Ref):
                found[operand.record].add(equation.name)
    for result in program.results:
        if isinstance(result, Ref):
            found[result.record].add("return")
    return found


def _parts(equation: Equation, readers: Mapping[str, Collection[str]]) -> Iterator[Equation]:
    if not _is_mask(equation, readers):
        yield equation
        return
    allowed, least, scores = equation.operands
    (wanted,) = equation.outputs
    nothing = Number(np.zeros((), wanted.dtype)[()], wanted.dtype, wanted.shape)
    name = f"{equation.id}_mask"
    yield replace(equation, id=name, operands=(allowed, least, nothing))
    yield replace(
        equation, name="add", bind=lax.add_p.bind, params={}, operands=(scores, Ref(name)), outputs=(wanted,)
    )


def _is_mask(equation: Equation, readers: Mapping[str, Collection[str]]) -> bool:
    """Whether a softmax reads the choice, which alone takes the maximum and subtracts it."""
    if equation.name != "select_n" or len(equation.operands) != 3:
        return False
    allowed, least, scores = equation.operands
    is_choice = isinstance(allowed, Ref) and isinstance(scores, Ref) and isinstance(least, Number)
    return is_choice and readers.get(equation.id) == {"reduce_max", "sub"} and _is_least(least)


def _is_least(least: object) -> bool:
    is_real = isinstance(least, Number) and np.issubdtype(least.dtype, np.floating)
    return is_real and isinstance(least, Number) and float(least.value) <= LEAST
