"""Segments of a jaxpr, and whether two of them are the same program on other values.

two segments are the same where equation after equation has the same primitive, parameters, shapes and wiring;
what enters from outside, and the numbers that are written down, may differ
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, Var


@dataclass(frozen=True, eq=False)
class Segment:
    """Equations in order; what they read from outside, in the order in which they first read it; their numbers.

    `made` are their results with the position of each.
    """

    equations: Sequence[Any]
    entering: Sequence[Var]
    numbers: Sequence[Any]
    made: Mapping[Var, int] = field(repr=False)
    wiring: Sequence[Sequence[Any]] = field(repr=False)

    @classmethod
    def of(cls, equations: Sequence[Any]) -> Segment:
        """The segment of these equations."""
        made: dict[Var, int] = {}
        entering: dict[Var, int] = {}
        numbers: list[Any] = []
        wiring: list[list[Any]] = []
        for equation in equations:
            operands: list[Any] = []
            for operand in equation.invars:
                if isinstance(operand, Literal):
                    numbers.append(operand.val)
                    operands.append(_type(operand))
                elif operand in made:
                    operands.append(made[operand])
                else:
                    operands.append((entering.setdefault(operand, len(entering)), _type(operand)))
            wiring.append(operands)
            made.update((output, len(made) + place) for place, output in enumerate(equation.outvars))
        return cls(equations, tuple(entering), numbers, made, wiring)

    @cached_property
    def results(self) -> Sequence[Var]:
        """What the equations give, in order."""
        return tuple(self.made)

    def is_same(self, other: Segment) -> bool:
        """Whether both are the same program."""
        return (
            len(self.equations) == len(other.equations)
            and self.wiring == other.wiring
            and all(map(_is_same_call, self.equations, other.equations))
        )


def _type(variable: Any) -> tuple[Any, ...]:
    aval = variable.aval
    return (getattr(aval, "shape", None), getattr(aval, "dtype", None), getattr(aval, "weak_type", False))


def _is_same_call(first: Any, second: Any) -> bool:
    return (
        first.primitive is second.primitive
        and first.ctx is second.ctx
        and not first.effects
        and not second.effects
        and list(map(_type, first.outvars)) == list(map(_type, second.outvars))
        and _is_same(first.params, second.params)
    )


def _is_same(first: Any, second: Any) -> bool:
    """Whether two parameters are; what cannot be compared is not."""
    if first is second:
        return True
    if type(first) is not type(second):
        return False
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(_is_same(first[key], second[key]) for key in first)
    if isinstance(first, tuple | list):
        return len(first) == len(second) and all(map(_is_same, first, second))
    if isinstance(first, np.ndarray | jax.Array):
        return not isinstance(first, jax.core.Tracer) and np.array_equal(first, second)
    if isinstance(first, ClosedJaxpr):
        return _is_same(list(first.consts), list(second.consts)) and _is_same_jaxpr(first.jaxpr, second.jaxpr)
    if isinstance(first, Jaxpr):
        return _is_same_jaxpr(first, second)
    return bool(first == second)


def _is_same_jaxpr(first: Jaxpr, second: Jaxpr) -> bool:
    """Inside of a call the numbers have to be equal too: nothing can be given to it in their place."""
    inputs = [(*held.constvars, *held.invars) for held in (first, second)]
    own, other = Segment.of(first.eqns), Segment.of(second.eqns)
    names = [
        {**{variable: -1 - place for place, variable in enumerate(given)}, **segment.made}
        for given, segment in zip(inputs, (own, other), strict=True)
    ]
    results = [
        [atom.val if isinstance(atom, Literal) else known[atom] for atom in held.outvars]
        for held, known in zip((first, second), names, strict=True)
    ]
    entering = [
        [known[variable] for variable in segment.entering]
        for known, segment in zip(names, (own, other), strict=True)
    ]
    return (
        [list(map(_type, given)) for given in inputs[:1]] == [list(map(_type, given)) for given in inputs[1:]]
        and own.is_same(other)
        and entering[0] == entering[1]
        and _is_same(list(own.numbers), list(other.numbers))
        and _is_same(*results)
    )
