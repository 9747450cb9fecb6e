"""What the norms share: deviations, and the bracketings of a normalised value with its scale."""

from __future__ import annotations

from clika_core.ir.composites.dsl import (
    Operand,
    capture,
    either,
    mean,
    op,
    passed_on,
    product,
    reduced,
    square,
)
from clika_core.ir.composites.patterns import Pattern

EPSILON = capture("epsilon")


def variance(value: Pattern) -> Pattern:
    """mean((x - mean(x))²), or mean(x²) - mean(x)², which may be kept from falling below zero."""
    fast = op("sub", mean(square(value)), square(mean(value)))
    return either(
        mean(square(op("sub", value, mean(value)))),
        mean(op("squared_difference", value, mean(value))),
        reduced("var", value),
        fast,
        op("maximum", fast, 0),
        op("clamp", fast, min=0, max=None),
    )


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
