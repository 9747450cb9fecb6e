"""A scan whose body is the cell of an LSTM or a GRU, however its products are written, is one recurrent layer.

The gates are found backwards from the body's results. What goes into a gate is affine in the step's input and in the
hidden state: its matrices and its bias are what differentiation makes of it, which is exact. A body counts as a cell
only if it computes what that layer computes, tried on random numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from clika_core.ir.recording import Ref
from clika_jax.cell_trial import PRIMITIVES, Trial, agree
from clika_jax.flat import Equation, FlatProgram, Number, Operand


@dataclass(frozen=True)
class Gates:
    """What goes into the gates, in PyTorch's order: as it depends on the input, and on the hidden state.

    `hidden` and `cell` are positions among the carried values. LSTM: input, forget, candidate, output gate
    (Hochreiter and Schmidhuber 1997, Gers et al. 2000). GRU: reset, update, candidate (Cho et al. 2014), no `cell`.
    """

    type: str
    of_input: tuple[Operand, ...]
    of_hidden: tuple[Operand, ...]
    hidden: int
    cell: int | None = None


@dataclass(frozen=True)
class Cell:
    """`weights(*constants)` gives [gates · H, in], [gates · H, H] and two biases [gates · H], which are added."""

    gates: Gates
    weights: Callable[..., Sequence[Any]]
    size: int
    input_size: int

    @property
    def places(self) -> list[int]:
        """Where the hidden state is carried, and the cell's where there is one."""
        cell = self.gates.cell
        return [self.gates.hidden] if cell is None else [self.gates.hidden, cell]

    @property
    def weight_shapes(self) -> list[tuple[int, ...]]:
        """Those of the results of `weights`."""
        rows = len(self.gates.of_input) * self.size
        return [(rows, self.input_size), (rows, self.size), (rows,), (rows,)]


def find_cell(
    body: FlatProgram, shapes: Sequence[tuple[int, ...]], constants: int, known: set[Any]
) -> Cell | None:
    """The cell that a body is, whose arguments `a0`, `a1`, ... are constants, carried values, and one input.

    None for any other body; every result behind the carried ones has to be the hidden state. `known` are the cells
    that were tried already, on another batch.
    """
    if body.constants or any(e.name not in PRIMITIVES or not _is_float32(e) for e in body.equations):
        return None
    search = _Search(body, constants)
    carried = len(shapes) - constants - 1
    gates = {1: search.gru, 2: search.lstm}.get(carried, lambda: None)()
    if gates is None or any(result != body.results[gates.hidden] for result in body.results[carried:]):
        return None
    step, state = shapes[-1], shapes[constants + gates.hidden]
    if len(step) != 2 or len(state) != 2:
        return None
    cell = (gates, tuple((equation.name, equation.operands) for equation in body.equations))
    if cell not in known and not _computes_the_same(gates, body, shapes, constants):
        return None
    known.add(cell)
    return Cell(gates, _Projection(body, gates, constants, step, state), state[1], step[1])


def _is_float32(equation: Equation) -> bool:
    return all(output.dtype == np.float32 for output in equation.outputs)


@dataclass(frozen=True)
class _Search:
    """Reads a body backwards."""

    body: FlatProgram
    constants: int

    def lstm(self) -> Gates | None:
        """c' = forget · c + input · candidate; h' = output · tanh(c')."""
        for cell, hidden in ((0, 1), (1, 0)):
            new, state = self.body.results[cell], Ref(f"a{self.constants + cell}")
            for kept, added in self._both(new, "add"):
                for forget, held in self._both(kept, "mul"):
                    for gate, candidate in self._both(added, "mul"):
                        for output, shown in self._both(self.body.results[hidden], "mul"):
                            if held == state and self._argument(shown, "tanh") == new:
                                parts = [self._argument(each, "logistic") for each in (gate, forget, output)]
                                parts.insert(2, self._argument(candidate, "tanh"))
                                found = tuple(part for part in parts if part is not None)
                                if len(found) == 4:
                                    return Gates("lstm", found, found, hidden, cell)
        return None

    def gru(self) -> Gates | None:
        """h' = (1 - update) · candidate + update · h, or candidate + update · (h - candidate)."""
        for left, right in self._both(self.body.results[0], "add"):
            for update, other in self._both(right, "mul"):
                for candidate in self._candidates(left, update, other):
                    found = self._gru_gates(update, candidate)
                    if found is not None:
                        return found
        return None

    def _candidates(self, left: Operand, update: Operand, other: Operand) -> list[Operand]:
        state = Ref(f"a{self.constants}")
        difference = self._operands(other, "sub")
        if difference == (state, left):
            return [left]
        if other != state:
            return []
        return [candidate for rest, candidate in self._both(left, "mul") if self._is_rest(rest, update)]

    def _is_rest(self, operand: Operand, update: Operand) -> bool:
        taken = self._operands(operand, "sub")
        return (
            taken is not None and isinstance(taken[0], Number) and taken[0].value == 1 and taken[1] == update
        )

    def _gru_gates(self, update: Operand, candidate: Operand) -> Gates | None:
        gate, inside = self._argument(update, "logistic"), self._argument(candidate, "tanh")
        for of_input, of_hidden in self._both(inside, "add"):
            for reset, hidden in self._both(of_hidden, "mul"):
                opened = self._argument(reset, "logistic")
                if opened is not None and gate is not None:
                    return Gates("gru", (opened, gate, of_input), (opened, gate, hidden), 0)
        return None

    def _operands(self, operand: Operand | None, name: str) -> tuple[Operand, ...] | None:
        """What an operation of that name reads; None where `operand` is no result of one."""
        equation = self.body.by_id.get(operand.record) if isinstance(operand, Ref) else None
        return equation.operands if equation is not None and equation.name == name else None

    def _both(self, operand: Operand | None, name: str) -> list[tuple[Operand, Operand]]:
        """The two operands in both orders."""
        found = self._operands(operand, name)
        return [] if found is None else [(found[0], found[1]), (found[1], found[0])]

    def _argument(self, operand: Operand | None, name: str) -> Operand | None:
        found = self._operands(operand, name)
        return None if found is None else found[0]


@dataclass(frozen=True)
class _Projection:
    """The matrices of a cell out of its constants, by differentiation: products with unit vectors are exact."""

    body: FlatProgram
    gates: Gates
    constants: int
    step: tuple[int, ...]
    state: tuple[int, ...]

    def __call__(self, *constants: Any) -> Sequence[Any]:
        """[gates · H, in], [gates · H, H], [gates · H], [gates · H]."""
        gates = self.gates

        def at(operands: Sequence[Operand], x: Any, h: Any) -> Any:
            values = {Ref(f"a{i}"): value for i, value in enumerate(constants)}
            values[Ref(f"a{self.constants + gates.hidden}")] = h
            values[Ref(f"a{len(self._carried) + self.constants}")] = x
            return jnp.concatenate(evaluate(self.body, operands, values), axis=1)

        x, h = jnp.zeros(self.step, jnp.float32), jnp.zeros(self.state, jnp.float32)
        of_input = _slopes(lambda given: at(gates.of_input, given, h), x)
        of_hidden = _slopes(lambda given: at(gates.of_hidden, x, given), h)
        bias = at(gates.of_input, x, h)[0]
        second = [
            jnp.zeros(self.state[1], jnp.float32) if first == other else at([other], x, h)[0]
            for first, other in zip(gates.of_input, gates.of_hidden, strict=True)
        ]
        return of_input, of_hidden, bias, jnp.concatenate(second)

    @property
    def _carried(self) -> range:
        return range(1 if self.gates.cell is None else 2)


def _slopes(function: Callable[[Any], Any], at: Any) -> Any:
    """The matrix [out, in] of a function that is affine in every row of `at`, [rows, in]."""

    def along(direction: Any) -> Any:
        tangent = jnp.broadcast_to(direction, at.shape)
        return jax.jvp(function, (at,), (tangent,))[1][0]

    return jax.vmap(along)(jnp.eye(at.shape[1], dtype=jnp.float32)).T


def evaluate(program: FlatProgram, wanted: Sequence[Operand], values: Mapping[Ref, Any]) -> list[Any]:
    """Results of a flat program, and only what they need."""
    held = dict(values)

    def value(operand: Operand) -> Any:
        if isinstance(operand, Number):
            return jnp.full(operand.shape, operand.value, operand.dtype)
        if operand not in held:
            equation = program.by_id[operand.record]
            assert equation.bind is not None
            result = equation.bind(*map(value, equation.operands), **equation.params)
            parts = result if equation.is_multiple else [result]
            held.update((Ref(equation.id, port), part) for port, part in enumerate(parts))
        return held[operand]

    return [value(operand) for operand in wanted]


def _computes_the_same(
    gates: Gates, body: FlatProgram, shapes: Sequence[tuple[int, ...]], constants: int
) -> bool:
    """Whether one step of the body is one step of the layer, on random numbers."""
    places = [gates.hidden] if gates.cell is None else [gates.hidden, gates.cell]
    cell = None if gates.cell is None else constants + gates.cell
    trial = Trial(body, shapes, constants + gates.hidden, cell)
    expected = trial.expected(gates.type, gates.of_input, gates.of_hidden)
    found = trial.results()
    return expected is not None and agree([found[place] for place in places], expected)
