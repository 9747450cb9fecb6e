"""From a jaxpr to a flat list of equations: calls entered, scans of known length unrolled, constants folded.

A scan over the cell of an LSTM or a GRU is one equation instead, of any length: see `recurrence`.

`jit`, `custom_jvp`, `custom_vjp` and `remat` are entered, so a program's own derivatives are replaced by those of the
operations inside. Scalars that the program computes from numbers alone are numbers again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from jax.extend.core import ClosedJaxpr, Literal

from clika_core.errors import Location
from clika_core.ir.recording import Ref
from clika_jax.flat import Equation, FlatProgram, Number, Operand, Shaped
from clika_jax.loops.iterations import Iterations
from clika_jax.recurrence import Cell, find_cell
from clika_jax.trace_facts import scope, source

MOST_EQUATIONS: Final = 20_000
"""A scan that would unroll into more stays one loop, which no target quantizes."""

_CALLS: Final = {
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "closed_call": "call_jaxpr",
    "core_call": "call_jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
    "custom_vjp_call_jaxpr": "fun_jaxpr",
    "remat": "jaxpr",
    "remat2": "jaxpr",
    "checkpoint": "jaxpr",
    "custom_lin": "jaxpr",
}
_PASSED_ON: Final = frozenset({"copy", "copy_p", "sharding_constraint", "optimization_barrier", "pvary"})


class TooLongError(Exception):
    """The program unrolls into more equations than anyone wants to see."""


def flatten(
    closed: ClosedJaxpr, inputs: Sequence[str], data: Collection[str] = (), cells: set[Any] | None = None
) -> FlatProgram:
    """The flat program of a closed jaxpr whose arguments have these ids; `data` are those that are no parameters.

    `cells` are those of recurrent layers that were tried, and get those that are found.
    """
    return _Flattener(cells=set() if cells is None else cells).flatten(closed, inputs, data)


@dataclass
class _Scope:
    """One jaxpr being walked: what its variables stand for, and the path of its caller."""

    values: dict[Any, Operand]
    path: tuple[str, ...] = ()


@dataclass
class _Flattener:
    equations: list[Equation] = field(default_factory=list)
    constants: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    known: dict[int, str] = field(default_factory=dict)
    data: set[str] = field(default_factory=set)
    cells: set[Any] = field(default_factory=set)
    iterations: Iterations = ()
    loops: int = 0

    def flatten(self, closed: ClosedJaxpr, inputs: Sequence[str], data: Collection[str]) -> FlatProgram:
        self.data.update(data)
        results = self._walk(closed, [Ref(name) for name in inputs], ())
        return FlatProgram(self.constants, tuple(self.equations), tuple(results))

    def _walk(self, closed: Any, operands: Sequence[Operand], path: tuple[str, ...]) -> list[Operand]:
        """The results of a jaxpr, open or closed, applied to `operands`."""
        jaxpr = getattr(closed, "jaxpr", closed)
        consts = getattr(closed, "consts", ())
        here = _Scope({}, path)
        here.values.update(zip(jaxpr.constvars, map(self._constant, consts), strict=True))
        here.values.update(zip(jaxpr.invars, operands, strict=True))
        for equation in jaxpr.eqns:
            results = self._equation(equation, here)
            here.values.update(zip(equation.outvars, results, strict=True))
        return [self._read(variable, here) for variable in jaxpr.outvars]

    def _equation(self, equation: Any, here: _Scope) -> Sequence[Operand]:
        name, params = equation.primitive.name, equation.params
        operands = [self._read(variable, here) for variable in equation.invars]
        path = (*here.path, *scope(equation))
        if name in _CALLS and _CALLS[name] in params:
            return self._walk(params[_CALLS[name]], operands, path)
        if name == "scan":
            recurrent = self._recurrent(equation, operands, path)
            if recurrent is not None:
                return recurrent
            if self._is_short(params):
                return self._unroll(equation, operands, path)
        if name == "cond" and isinstance(operands[0], Number):
            branch = int(np.clip(operands[0].value, 0, len(params["branches"]) - 1))
            return self._walk(params["branches"][branch], operands[1:], path)
        simple = _without_operation(name, equation, operands)
        if simple is not None:
            return simple
        return self._emit(
            name,
            bound(equation.primitive),
            params,
            operands,
            equation.outvars,
            path,
            source(equation),
            is_multiple=equation.primitive.multiple_results,
        )

    def _emit(
        self,
        name: str,
        bind: Callable[..., Any] | None,
        params: Mapping[str, Any],
        operands: Sequence[Operand],
        outputs: Sequence[Any],
        path: tuple[str, ...],
        place: Location | None = None,
        *,
        is_multiple: bool = False,
    ) -> list[Operand]:
        number = self.counts[name] = self.counts.get(name, 0) + 1
        if len(self.equations) >= MOST_EQUATIONS:
            raise TooLongError
        made = Equation(
            f"{name}_{number}",
            name,
            bind,
            params,
            tuple(operands),
            tuple(_shaped(output) for output in outputs),
            ".".join(path) or None,
            place,
            is_multiple,
            self.iterations,
        )
        self.equations.append(made)
        if any(self._is_data(operand) for operand in operands):
            self.data.add(made.id)
        return [Ref(made.id, port) for port in range(len(outputs))]

    def _unroll(self, equation: Any, operands: Sequence[Operand], path: tuple[str, ...]) -> list[Operand]:
        """Every iteration of a scan after the other: slices of what is scanned over, a stack of what comes out."""
        params = equation.params
        count, carried = params["num_consts"], params["num_carry"]
        constants, state = list(operands[:count]), list(operands[count : count + carried])
        scanned = list(zip(operands[count + carried :], equation.invars[count + carried :], strict=True))
        body = params["jaxpr"]
        kept: list[list[Operand]] = []
        self.loops, loop, around = self.loops + 1, self.loops, self.iterations
        order = range(params["length"])
        for index in reversed(order) if params["reverse"] else order:
            parts = [self._part(held, variable.aval, index, path) for held, variable in scanned]
            self.iterations = (*around, (loop, index))
            results = self._walk(body, [*constants, *state, *parts], (*path, str(index)))
            self.iterations = around
            state, gathered = results[:carried], results[carried:]
            kept.append(gathered)
        if params["reverse"]:
            kept.reverse()
        stacked = [
            self._stack([row[column] for row in kept], variable, path)
            for column, variable in enumerate(equation.outvars[carried:])
        ]
        return [*state, *stacked]

    def _recurrent(
        self, equation: Any, operands: Sequence[Operand], path: tuple[str, ...]
    ) -> list[Operand] | None:
        """The results of a scan over the cell of a recurrent layer, as those of one layer; None for another scan."""
        params, body = equation.params, equation.params["jaxpr"]
        count, carried = params["num_consts"], params["num_carry"]
        is_plain = len(operands) == count + carried + 1 and not params["reverse"]
        if not is_plain or any(map(self._is_data, operands[:count])) or not self._is_data(operands[-1]):
            return None
        names = [f"a{position}" for position in range(len(body.in_avals))]
        shapes = [tuple(aval.shape) for aval in body.in_avals]
        cell = find_cell(flatten(body, names), shapes, count, self.cells)
        return None if cell is None else self._emit_cell(cell, equation, operands, path)

    def _emit_cell(
        self, cell: Cell, equation: Any, operands: Sequence[Operand], path: tuple[str, ...]
    ) -> list[Operand]:
        """The weights of the layer out of the scan's constants, and the layer."""
        count = equation.params["num_consts"]
        outputs = [Shaped(np.dtype(np.float32), shape) for shape in cell.weight_shapes]
        weights = self._emit(
            "recurrent_weights", cell.weights, {}, operands[:count], outputs, path, is_multiple=True
        )
        states = [operands[count + place] for place in cell.places]
        steps = operands[-1]
        sequence = Shaped(np.dtype(np.float32), (*equation.invars[-1].aval.shape[:-1], cell.size))
        ends = [_shaped(equation.outvars[place]) for place in cell.places]
        given = [steps, *weights, *states]
        found = self._emit(
            cell.gates.type, None, {}, given, [sequence, *ends], path, source(equation), is_multiple=True
        )
        results: list[Operand] = [found[0]] * len(equation.outvars)
        for place, end in zip(cell.places, found[1:], strict=True):
            results[place] = end
        return results

    def _is_data(self, operand: Operand) -> bool:
        """Whether a value depends on an input of the model."""
        return isinstance(operand, Ref) and operand.record in self.data

    def _part(self, held: Operand, aval: Any, index: int, path: tuple[str, ...]) -> Operand:
        if isinstance(held, Number):
            return Number(held.value, held.dtype, tuple(aval.shape[1:]))
        inner = aval.update(shape=tuple(aval.shape[1:]))
        return self._emit("scan_part", None, {"index": index}, [held], [inner], path)[0]

    def _stack(self, rows: Sequence[Operand], variable: Any, path: tuple[str, ...]) -> Operand:
        if type(variable).__name__ == "DropVar":
            return Number(0.0, np.dtype(np.float32))  # nobody can read it
        return self._emit("scan_stack", None, {}, rows, [variable], path)[0]

    def _is_short(self, params: Mapping[str, Any]) -> bool:
        inside = sum(1 for _ in _all_equations(params["jaxpr"].jaxpr))
        return int(params["length"]) * max(inside, 1) + len(self.equations) < MOST_EQUATIONS

    def _read(self, variable: Any, here: _Scope) -> Operand:
        if not isinstance(variable, Literal):
            return here.values[variable]
        value = variable.val
        if np.ndim(value):
            return self._constant(value)
        dtype = _dtype_of(variable)
        return Number(np.asarray(value, dtype)[()], dtype)

    def _constant(self, value: Any) -> Operand:
        """An array that the program closes over; a scalar is a number."""
        if np.ndim(value) == 0 and not _is_extended(value):
            return Number(
                np.asarray(value)[()], np.dtype(value.dtype if hasattr(value, "dtype") else type(value))
            )
        name = self.known.setdefault(id(value), f"constant_{len(self.known) + 1}")
        self.constants[name] = value
        return Ref(name)


def bound(primitive: Any) -> Callable[..., Any]:
    """A primitive as a function of its operands and parameters, which may be jaxprs where it wants functions."""

    def call(*operands: Any, **params: Any) -> Any:
        return primitive.bind(*operands, **primitive.get_bind_params(params))

    return call


def _without_operation(name: str, equation: Any, operands: Sequence[Operand]) -> Sequence[Operand] | None:
    """What an equation stands for that needs no operation: another value, or a number."""
    params = equation.params
    if name in _PASSED_ON:
        return operands
    if name == "broadcast_in_dim" and isinstance(operands[0], Number):
        (output,) = equation.outvars
        return [Number(operands[0].value, operands[0].dtype, tuple(output.aval.shape))]
    if name == "convert_element_type" and _dtype_of(equation.invars[0]) == np.dtype(params["new_dtype"]):
        return operands
    if name == "select_n" and isinstance(operands[0], Number) and not operands[0].shape:
        return [operands[1 + int(operands[0].value)]]
    if name == "max" and _is_filled_with(operands[0], -np.inf):
        return operands[1:]
    if name == "add" and _is_filled_with(operands[1], 0) and _shape_of(equation, 0) == _shape_of(equation):
        return operands[:1]
    if name == "add" and _is_filled_with(operands[0], 0) and _shape_of(equation, 1) == _shape_of(equation):
        return operands[1:]
    if name == "dot_general" and any(_is_filled_with(operand, 0) for operand in operands):
        (output,) = equation.outvars
        return [Number(output.aval.dtype.type(0), output.aval.dtype, tuple(output.aval.shape))]
    if operands and all(isinstance(operand, Number) for operand in operands) and _folds(equation):
        return _folded(equation, operands)
    return None


def _is_filled_with(operand: Operand, value: float) -> bool:
    return isinstance(operand, Number) and bool(operand.value == value)


def _shape_of(equation: Any, position: int | None = None) -> tuple[Any, ...]:
    """The shape of an operand, or of the result."""
    variable = equation.outvars[0] if position is None else equation.invars[position]
    return tuple(variable.aval.shape)


def _folds(equation: Any) -> bool:
    """Whether every result is a scalar, or filled with one as its operands are; a random key is none."""
    is_plain = not equation.primitive.multiple_results and not equation.effects
    return (
        is_plain
        and isinstance(equation.outvars[0].aval.dtype, np.dtype)
        and (equation.primitive.name in _ELEMENTWISE or not equation.outvars[0].aval.shape)
    )


_ELEMENTWISE: Final = frozenset(
    "add sub mul div max min neg abs sqrt rsqrt exp log pow integer_pow square floor ceil round sign "
    "convert_element_type lt le gt ge eq ne and or not rem".split()
)


def _folded(equation: Any, operands: Sequence[Any]) -> list[Operand] | None:
    (output,) = equation.outvars
    if equation.primitive.name not in _ELEMENTWISE and any(operand.shape for operand in operands):
        return None
    values = [np.asarray(operand.value, operand.dtype) for operand in operands]
    result = np.asarray(equation.primitive.bind(*values, **equation.params))
    return [Number(result[()], np.dtype(output.aval.dtype), tuple(output.aval.shape))]


def _dtype_of(variable: Any) -> Any:
    return np.dtype(variable.aval.dtype) if hasattr(variable.aval, "dtype") else None


def _is_extended(value: Any) -> bool:
    """Whether the value is a random key, which NumPy does not know."""
    return not isinstance(getattr(value, "dtype", None), np.dtype)


def _shaped(variable: Any) -> Shaped:
    aval = getattr(variable, "aval", variable)
    return Shaped(aval.dtype, tuple(aval.shape))


def _all_equations(jaxpr: Any) -> Iterator[Any]:
    """Every equation that walking the jaxpr meets, those of calls included."""
    for equation in jaxpr.eqns:
        inner = equation.params.get(_CALLS.get(equation.primitive.name, "jaxpr"))
        if inner is None:
            yield equation
        else:
            repeated = equation.params.get("length", 1) if equation.primitive.name == "scan" else 1
            for _ in range(min(int(repeated), MOST_EQUATIONS)):
                yield from _all_equations(getattr(inner, "jaxpr", inner))
