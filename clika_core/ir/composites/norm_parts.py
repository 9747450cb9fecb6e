"""What the norms share: deviations, and the bracketings of a normalised value with its scale."""

from __future__ import annotations

from collections.abc import Callable

from clika_core.ir.composites.dsl import (
    Operand,
    capture,
    either,
    mean,
    op,
    passed_on,
    product,
    reduced,
    spread_mean_of,
    square,
)
from clika_core.ir.composites.patterns import Pattern

EPSILON = capture("epsilon")


def variance(value: Pattern) -> Pattern:
    """mean((x - mean(x))²), or mean(x²) - mean(x)²; either may be kept from falling below zero."""
    return either(
        *_not_negative(mean(square(op("sub", value, mean(value))))),
        mean(op("squared_difference", value, mean(value))),
        reduced("var", value),
        _fast(value, mean),
        spread_mean_of(lambda average: _fast(value, average)),
    )


def _fast(value: Pattern, average: Callable[[Pattern], Pattern]) -> Pattern:
    return either(*_not_negative(op("sub", average(square(value)), square(average(value)))))


def _not_negative(value: Pattern) -> tuple[Pattern, ...]:
    return (value, op("maximum", value, 0), op("clamp", value, min=0, max=None))


def deviation(squared: Pattern) -> Pattern:
    """√(v + ε)."""
    return either(op("sqrt", op("add", squared, EPSILON)), op("pow", op("add", squared, EPSILON), 0.5))


def inverse_deviation(squared: Pattern) -> Pattern:
    """1 / √(v + ε)."""
    return either(
        op("rsqrt", op("add", squared, EPSILON)),
        op("pow", op("add", squared, EPSILON), -0.5),
        op("reciprocal", deviation(squared)),
        op("div", 1, deviation(squared)),
    )


def normalised(value: Operand, squared: Pattern) -> Pattern:
    """x / √(v + ε), by division or multiplication."""
    return either(
        op("mul", value, inverse_deviation(squared)),
        op("div", value, deviation(squared)),
    )


def scaled(value: Pattern, squared: Pattern, weight: Pattern) -> Pattern:
    """x · weight / √(v + ε) in any bracketing; between the two factors the dtype may change."""
    return either(
        product(value, inverse_deviation(squared), weight),
        op("mul", passed_on(normalised(value, squared)), weight),
    )
