"""`FlatProgram`: a jaxpr without calls, as a list of equations over references and numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from clika_core.errors import Location
from clika_core.ir.recording import Ref
from clika_jax.loops.iterations import Iterations


@dataclass(frozen=True, slots=True)
class Shaped:
    """Dtype and shape of a value; sizes may depend on the batch once two traces are merged."""

    dtype: np.dtype[Any]
    shape: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """A number that stands for a value of that shape filled with it."""

    value: Any
    dtype: np.dtype[Any]
    shape: tuple[Any, ...] = ()


Operand: TypeAlias = Ref | Number


@dataclass(frozen=True, slots=True)
class Equation:
    """One native operation. `operands` are results of earlier equations, inputs, parameters, or numbers.

    `iterations` are those of unrolled loops around it.
    """

    id: str
    name: str
    bind: Callable[..., Any] | None
    params: Mapping[str, Any]
    operands: tuple[Operand, ...]
    outputs: tuple[Shaped, ...]
    path: str | None = None
    source: Location | None = None
    is_multiple: bool = False
    iterations: Iterations = ()


@dataclass(frozen=True, eq=False)
class FlatProgram:
    """A jaxpr without calls: constants with ids, equations in order, results."""

    constants: Mapping[str, Any]
    equations: tuple[Equation, ...]
    results: tuple[Operand, ...]

    @cached_property
    def by_id(self) -> Mapping[str, Equation]:
        """The equations by id."""
        return {equation.id: equation for equation in self.equations}
