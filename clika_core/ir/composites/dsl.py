"""The words composites are written with.

    X = var("input")
    op("mul", X, op("sigmoid", X))                        x * sigmoid(x), in either order
    product(0.5, X, op("add", op("erf", X), 1))           0.5 * x * (1 + erf(x)), however it is bracketed
    op("add", mean(square(X)), capture("epsilon"))        any epsilon, kept as an attribute

A number among the operands stands for that number.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import TypeAlias

from clika_core.ir.composites.patterns import (
    Capture,
    Either,
    Literal,
    Operation,
    Parameter,
    Pattern,
    Variable,
)
from clika_core.ir.composites.reduction import Reduced, Spread
from clika_core.ir.graph import AttributeValue

Operand: TypeAlias = "Pattern | float"


def var(name: str) -> Pattern:
    """Any value of the model; it becomes the operand `name` of the composite."""
    return Variable(name)


def param(name: str, rank: int | None = None) -> Pattern:
    """A parametric value, with `rank` axes where it ever had them; it becomes the weight `name` of the composite."""
    return Parameter(name, rank=rank)


def whole_param(name: str) -> Pattern:
    """A parametric value in the shape in which it is used; it becomes the weight `name` of the composite."""
    return Parameter(name, is_whole=True)


def capture(name: str) -> Capture:
    """Any number in an operand's place, or any value of an attribute; it becomes the attribute `name`."""
    return Capture(name)


def op(type_name: str, *operands: Operand, **attributes: AttributeValue | Capture) -> Pattern:
    """An operation over `operands`, both orders where it commutes."""
    return Operation(type_name, tuple(map(_pattern, operands)), attributes)


def either(*alternatives: Operand) -> Pattern:
    """Any of the alternatives; the first that fits is taken."""
    return Either(tuple(map(_pattern, alternatives)))


def passed_on(operand: Pattern) -> Pattern:
    """`operand`, or what a cast, a dropout or an identity makes of it: in inference the same real numbers."""
    return either(operand, op("cast", operand), op("dropout", operand), op("identity", operand))


def product(*factors: Operand) -> Pattern:
    """The product of all factors, in any order and bracketing; a number may also divide by its inverse."""
    if len(factors) == 1:
        return _pattern(factors[0])
    alternatives: list[Pattern] = []
    first, rest = factors[0], factors[1:]
    for count in range(len(rest)):
        for chosen in combinations(range(len(rest)), count):
            left = (first, *(rest[i] for i in chosen))
            right = tuple(factor for i, factor in enumerate(rest) if i not in chosen)
            alternatives += _times(left, right)
    return Either(tuple(alternatives))


def square(operand: Pattern) -> Pattern:
    """The operand times itself."""
    return either(op("square", operand), op("pow", operand, 2), op("mul", operand, operand))


def cube(operand: Pattern) -> Pattern:
    """The operand's third power."""
    return either(op("pow", operand, 3), op("mul", operand, square(operand)))


def mean(operand: Pattern) -> Pattern:
    """The mean over some axes, spread to broadcast against the operand."""
    return Reduced("mean", operand)


def spread_mean_of(formula: Callable[[Callable[[Pattern], Pattern]], Pattern]) -> Pattern:
    """A formula of means that dropped their axes, which come back after it: `formula(mean)`."""
    return Spread(formula(lambda operand: Reduced("mean", operand, drops_axes=True)))


def reduced(type_name: str, operand: Pattern) -> Pattern:
    """Another reduction over the same axes, spread likewise."""
    return Reduced(type_name, operand)


def _times(left: tuple[Operand, ...], right: tuple[Operand, ...]) -> list[Pattern]:
    """The two ways to multiply: an operation `mul`, or `div` where a side is a single number."""
    found = [op("mul", product(*left), product(*right))]
    for number_side, other in ((left, right), (right, left)):
        if len(number_side) == 1 and isinstance(number_side[0], int | float):
            found.append(op("div", product(*other), 1 / number_side[0]))
    return found


def _pattern(operand: Operand) -> Pattern:
    return operand if isinstance(operand, Pattern) else Literal(float(operand))
