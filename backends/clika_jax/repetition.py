"""What a program computes from constants for every sample alike is computed once, and repeated where it is read.

A mask made of `jnp.ones((x.shape[0], 1, n, n))` depends on no input, but its shape on the batch: it could neither be
a constant of the deployed file nor be computed there from anything. Here it is one sample's mask, and a broadcast.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, Final

from jax import lax

from clika_core.ir.recording import Ref
from clika_jax.flat import Equation, FlatProgram, Number, Operand, Shaped
from clika_jax.operators.elementwise import TRANSLATIONS as _ELEMENTWISE
from clika_jax.sizes import Size, has_size


def without_repetition(program: FlatProgram, inputs: Collection[str]) -> FlatProgram:
    """The same program; `inputs` are the ids of what is data."""
    return _Shrinking(program, set(inputs)).program()


@dataclass
class _Shrinking:
    """`whole` maps what is computed for one sample to the shape that it stands for."""

    given: FlatProgram
    data: set[str]
    equations: list[Equation] = field(default_factory=list)
    shapes: dict[Ref, tuple[Any, ...]] = field(default_factory=dict)
    whole: dict[Ref, Shaped] = field(default_factory=dict)
    repeated: dict[Ref, Ref] = field(default_factory=dict)

    def program(self) -> FlatProgram:
        for equation in self.given.equations:
            self._add(equation)
        results = tuple(map(self._repeat, self.given.results))
        return replace(self.given, equations=tuple(self.equations), results=results)

    def _add(self, equation: Equation) -> None:
        is_data = any(self._is_data(operand) for operand in equation.operands)
        small = (
            None
            if is_data or not any(has_size(held.shape) for held in equation.outputs)
            else self._small(equation)
        )
        if small is None:
            small = replace(equation, operands=tuple(map(self._repeat, equation.operands)))
        else:
            self.whole[Ref(equation.id)] = equation.outputs[0]
        if is_data:
            self.data.add(equation.id)
        self.equations.append(small)
        self.shapes.update((Ref(equation.id, port), held.shape) for port, held in enumerate(small.outputs))

    def _is_data(self, operand: Operand) -> bool:
        return isinstance(operand, Ref) and operand.record in self.data

    def _small(self, equation: Equation) -> Equation | None:
        """The equation for one sample; None where it mixes samples, or is not known to do the same for each."""
        rule = _SMALL.get(equation.name)
        is_known = all(
            not isinstance(operand, Ref)
            or operand in self.whole
            or not has_size(self.shapes.get(operand, ()))
            for operand in equation.operands
        )
        params = rule(equation, self._shape) if rule is not None and is_known else None
        if params is None:
            return None
        outputs = tuple(Shaped(held.dtype, _one(held.shape)) for held in equation.outputs)
        operands = tuple(
            Number(held.value, held.dtype, _one(held.shape)) if isinstance(held, Number) else held
            for held in equation.operands
        )
        return replace(equation, params={**equation.params, **params}, operands=operands, outputs=outputs)

    def _shape(self, operand: Operand) -> tuple[Any, ...]:
        """The shape that an operand stands for; none is known of a parameter, which has no size."""
        if isinstance(operand, Number):
            return operand.shape
        return self.whole[operand].shape if operand in self.whole else self.shapes.get(operand, ())

    def _repeat(self, operand: Operand | None) -> Any:
        """The operand in the shape that it stands for."""
        if not isinstance(operand, Ref) or operand not in self.whole:
            return operand
        if operand not in self.repeated:
            made = _broadcast(f"{operand.record}_repeated", operand, self.whole[operand])
            self.equations.append(made)
            self.repeated[operand] = Ref(made.id)
        return self.repeated[operand]


def _broadcast(name: str, operand: Ref, wanted: Shaped) -> Equation:
    axes = tuple(range(len(wanted.shape)))
    params = {"shape": wanted.shape, "broadcast_dimensions": axes, "sharding": None}
    return Equation(name, "broadcast_in_dim", lax.broadcast_in_dim_p.bind, params, (operand,), (wanted,))


def _one(shape: Sequence[Any]) -> tuple[Any, ...]:
    """The shape of one sample's part."""
    return tuple(1 if isinstance(size, Size) else size for size in shape)


Rule = Callable[[Equation, Callable[[Operand], tuple[Any, ...]]], "Mapping[str, Any] | None"]
"""What the parameters of an equation become; None where it cannot be done for one sample alone."""


def _same(*_: Any) -> Mapping[str, Any]:
    return {}


def _wanted_shape(equation: Equation, _: Any) -> Mapping[str, Any]:
    return {"shape": _one(equation.outputs[0].shape)}


def _numbered(equation: Equation, _: Any) -> Mapping[str, Any] | None:
    """Numbers along an axis, unless they count samples."""
    wanted = equation.outputs[0].shape
    is_apart = not isinstance(wanted[equation.params["dimension"]], Size)
    return {"shape": _one(wanted)} if is_apart else None


def _reshaped(equation: Equation, shape_of: Callable[[Operand], tuple[Any, ...]]) -> Mapping[str, Any] | None:
    """The batch has to stay an axis of its own, with as many elements before it."""
    given, wanted = shape_of(equation.operands[0]), equation.outputs[0].shape
    is_same = _parts(given) == _parts(wanted) and equation.params.get("dimensions") is None
    return {"new_sizes": _one(wanted)} if is_same else None


def _parts(shape: Sequence[Any]) -> list[Any]:
    """Sizes that depend on the batch, and the numbers of elements between them."""
    found: list[Any] = []
    between: list[int] = []
    for size in shape:
        if isinstance(size, Size):
            found += [prod(between), size]
            between = []
        else:
            between.append(int(size))
    return [*found, prod(between)]


_SMALL: Final[Mapping[str, Rule]] = {
    **dict.fromkeys(_ELEMENTWISE, _same),
    **dict.fromkeys(("transpose", "squeeze"), _same),
    "broadcast_in_dim": _wanted_shape,
    "iota": _numbered,
    "reshape": _reshaped,
}
