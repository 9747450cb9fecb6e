"""Whether the body of a scan is one step of a recurrent layer, tried on random numbers in float64.

NumPy computes it: compiling a body takes JAX a thousand times as long as running it once.

    lstm   c' = sigmoid(forget) · c + sigmoid(input) · tanh(candidate),  h' = sigmoid(output) · tanh(c')
    gru    h' = (1 - sigmoid(update)) · candidate + sigmoid(update) · h,
           candidate = tanh(of_input + sigmoid(reset) · of_hidden)

What goes into the gates has to be affine in every row of the input and of the hidden state, the same for every row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from string import ascii_lowercase, ascii_uppercase
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from clika_core.ir.recording import Ref
from clika_jax.flat import FlatProgram, Number, Operand

Array = NDArray[np.float64]


class Trial:
    """A body whose arguments are constants, carried values and a step's input, on numbers of its own.

    `hidden` is the position of the hidden state among the arguments, `cell` that of the cell's state.
    """

    def __init__(
        self, body: FlatProgram, shapes: Sequence[tuple[int, ...]], hidden: int, cell: int | None
    ) -> None:
        """`shapes` are those of the arguments; the last is the step's input."""
        random = np.random.default_rng(0)
        self._body, self._hidden, self._cell, self._step = body, hidden, cell, len(shapes) - 1
        self._drawn = [random.normal(0, 0.5, shape) for shape in shapes]
        self._other = [random.normal(0, 0.5, shape) for shape in shapes]

    def results(self) -> list[Array]:
        """What the body gives."""
        return self._at(self._body.results, self._drawn[self._step], self._drawn[self._hidden])

    def expected(
        self, type_name: str, of_input: Sequence[Operand], of_hidden: Sequence[Operand]
    ) -> list[Array] | None:
        """What the layer gives: hidden state, and the cell's; None where a gate is not what a layer has."""
        x, h = self._drawn[self._step], self._drawn[self._hidden]
        inputs = self._affine(lambda given: self._at(of_input, given, h * 0), x, self._other[self._step])
        hiddens = self._affine(lambda given: self._at(of_hidden, x * 0, given), h, self._other[self._hidden])
        if inputs is None or hiddens is None:
            return None
        zero = self._at(of_input, x * 0, h * 0)
        if type_name == "lstm":
            assert self._cell is not None
            gates = [a + b - c for a, b, c in zip(inputs, hiddens, zero, strict=True)]
            return _lstm(gates, self._drawn[self._cell])
        reset, update = (a + b - c for a, b, c in zip(inputs[:2], hiddens[:2], zero[:2], strict=True))
        return _gru(reset, update, inputs[2], hiddens[2], h)

    def _at(self, wanted: Sequence[Operand], x: Array, h: Array) -> list[Array]:
        values = {Ref(f"a{position}"): value for position, value in enumerate(self._drawn)}
        values[Ref(f"a{self._hidden}")], values[Ref(f"a{self._step}")] = h, x
        return evaluate(self._body, wanted, values)

    def _affine(
        self, function: Callable[[Array], list[Array]], at: Array, other: Array
    ) -> list[Array] | None:
        """`function(at)`, if function is affine, and the same for every row."""
        first, zero, far = function(at), function(at * 0), function(3 * at - 2 * other)
        second, turned = function(other), function(np.roll(at, 1, axis=0))
        mixed = function(np.concatenate([at[:1], other[1:]]))
        pairs = [
            pair
            for a, b, z, line, rolled, mix in zip(first, second, zero, far, turned, mixed, strict=True)
            for pair in (
                (line, 3 * a - 2 * b),
                (z, np.broadcast_to(z[:1], z.shape)),
                (rolled, np.roll(a, 1, axis=0)),
                (mix, np.concatenate([a[:1], b[1:]])),
            )
        ]
        return first if all(_is_close(*pair) for pair in pairs) else None


def _lstm(gates: Sequence[Array], cell: Array) -> list[Array]:
    kept, forget, candidate, output = gates
    new = _sigmoid(forget) * cell + _sigmoid(kept) * np.tanh(candidate)
    return [_sigmoid(output) * np.tanh(new), new]


def _gru(reset: Array, update: Array, of_input: Array, of_hidden: Array, hidden: Array) -> list[Array]:
    candidate = np.tanh(of_input + _sigmoid(reset) * of_hidden)
    share = _sigmoid(update)
    return [(1 - share) * candidate + share * hidden]


def _is_close(first: Array, second: Array) -> bool:
    return bool(np.allclose(first, second, rtol=1e-9, atol=1e-9))


def agree(found: Sequence[Array], expected: Sequence[Array]) -> bool:
    """Whether all are the same up to rounding in float64."""
    return all(_is_close(*pair) for pair in zip(found, expected, strict=True))


def evaluate(program: FlatProgram, wanted: Sequence[Operand], values: Mapping[Ref, Array]) -> list[Array]:
    """Results of a program of `PRIMITIVES`, and only what they need, in float64."""
    held: dict[Ref, Any] = dict(values)

    def value(operand: Operand) -> Any:
        if isinstance(operand, Number):
            return np.full(operand.shape, operand.value, np.float64)
        if operand not in held:
            equation = program.by_id[operand.record]
            result = PRIMITIVES[equation.name](*map(value, equation.operands), **equation.params)
            parts = result if equation.is_multiple else [result]
            held.update((Ref(equation.id, port), part) for port, part in enumerate(parts))
        return held[operand]

    return [value(operand) for operand in wanted]


def _sigmoid(x: Array, **_: Any) -> Array:
    found: Array = 1 / (1 + np.exp(-x))
    return found


def _product(left: Array, right: Array, dimension_numbers: Any, **_: Any) -> Array:
    (left_summed, right_summed), (left_batch, right_batch) = dimension_numbers
    if not left_batch:
        return np.tensordot(left, right, (left_summed, right_summed))
    of_left = list(ascii_lowercase[: left.ndim])
    of_right = list(ascii_uppercase[: right.ndim])
    for a, b in zip((*left_summed, *left_batch), (*right_summed, *right_batch), strict=True):
        of_right[b] = of_left[a]
    batch = [of_left[axis] for axis in left_batch]
    taken = {*batch, *(of_left[axis] for axis in left_summed)}
    kept = [name for name in (*of_left, *of_right) if name not in taken]
    found: Array = np.einsum(
        f"{''.join(of_left)},{''.join(of_right)}->{''.join([*batch, *kept])}", left, right
    )
    return found


def _broadcast(x: Array, shape: Sequence[int], broadcast_dimensions: Sequence[int], **_: Any) -> Array:
    aligned = [1] * len(shape)
    for axis, size in zip(broadcast_dimensions, x.shape, strict=True):
        aligned[axis] = size
    return np.broadcast_to(x.reshape(aligned), shape)


def _slice(
    x: Array, start_indices: Sequence[int], limit_indices: Sequence[int], strides: Any, **_: Any
) -> Array:
    steps = strides or [1] * x.ndim
    return x[tuple(slice(*each) for each in zip(start_indices, limit_indices, steps, strict=True))]


PRIMITIVES: Final[Mapping[str, Callable[..., Any]]] = {
    "add": lambda x, y, **_: x + y,
    "sub": lambda x, y, **_: x - y,
    "mul": lambda x, y, **_: x * y,
    "neg": lambda x, **_: -x,
    "tanh": lambda x, **_: np.tanh(x),
    "logistic": _sigmoid,
    "dot_general": _product,
    "reshape": lambda x, new_sizes, **_: x.reshape(new_sizes),
    "broadcast_in_dim": _broadcast,
    "transpose": lambda x, permutation, **_: x.transpose(permutation),
    "split": lambda x, sizes, axis, **_: np.split(x, np.cumsum(sizes)[:-1], axis),
    "slice": _slice,
    "concatenate": lambda *parts, dimension, **_: np.concatenate(parts, dimension),
    "squeeze": lambda x, dimensions, **_: np.squeeze(x, tuple(dimensions)),
    "convert_element_type": lambda x, **_: x,
}
"""What the body of a cell may consist of."""
