"""Expressions of sizes are read by Python's grammar, and mean what Python's integers mean."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping

import pytest

from clika_core.errors import GraphError
from clika_core.ir import size_expressions
from clika_core.ir.size_expressions import Computed, SizeExpression, size_expression

OPERATIONS: Mapping[str, Callable[[int, int], int]] = {
    size_expressions.SUM: operator.add,
    size_expressions.DIFFERENCE: operator.sub,
    size_expressions.PRODUCT: operator.mul,
    size_expressions.QUOTIENT: operator.floordiv,
    size_expressions.REMAINDER: operator.mod,
    size_expressions.LARGEST_OF: max,
    size_expressions.SMALLEST_OF: min,
}


def value(expression: SizeExpression, sizes: Mapping[str, int]) -> int:
    if isinstance(expression, Computed):
        return OPERATIONS[expression.operation](value(expression.left, sizes), value(expression.right, sizes))
    return sizes[expression] if isinstance(expression, str) else expression


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7", 7),
        ("d1", 11),
        ("12*d1", 132),
        ("-d1", -11),
        ("d0*d1 - 3", 30),
        ("(((d1 - 10)//5)) + 1", 1),
        ("-((-d1)//4)", 3),
        ("(-d1)//4", -3),
        ("Mod(d1, 4)", 3),
        ("d1 % 4", 3),
        ("(-d1) % 4", 1),
        ("Max(1, d1 - 20, d0)", 3),
        ("Min(d0, d1)", 3),
        ("d0**3", 27),
    ],
)
def test_a_size_is_what_its_text_says(text: str, expected: int) -> None:
    assert value(size_expression(text), {"d0": 3, "d1": 11}) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "d0 +",
        "d0/2",
        "0.5*d0",
        "d0**d1",
        "d0**99",
        "d0.real",
        "d0[1]",
        "print(d0)",
        "Max(d0)",
        "Max(d0, default=1)",
        "lambda: 1",
        "(" * 300 + "d0" + ")" * 300,
        "d0 + " * 400 + "d0",
    ],
)
def test_what_is_no_arithmetic_of_integers_is_refused(text: str) -> None:
    with pytest.raises(GraphError, match="a size is no expression that can be computed"):
        size_expression(text)
