"""Expressions of sizes that are free to change, in shapes and attributes: `d1`, `12*d1`, `((d1 - 3)//2) + 1`.

What a size is at run time is computed from the sizes of the inputs by the integer operations that stand here. The
text may come from a file: it is read by Python's grammar, of bounded length, and never run.
"""

from __future__ import annotations

import ast
from typing import Final

from clika_core.errors import GraphError
from clika_core.frozen import frozen

LONGEST: Final = 1000

SUM, DIFFERENCE, PRODUCT, QUOTIENT, REMAINDER = "sum", "difference", "product", "quotient", "remainder"
LARGEST_OF, SMALLEST_OF = "largest", "smallest"

_BINARY: Final = {
    ast.Add: SUM,
    ast.Sub: DIFFERENCE,
    ast.Mult: PRODUCT,
    ast.FloorDiv: QUOTIENT,
    ast.Mod: REMAINDER,
}
_CALLED: Final = {
    "max": LARGEST_OF,
    "min": SMALLEST_OF,
    "mod": REMAINDER,
    "pythonmod": REMAINDER,
    "floordiv": QUOTIENT,
}
_HIGHEST_POWER: Final = 8


@frozen
class Computed:
    """An operation over sizes, two operands; quotients are rounded down, remainders have the divisor's sign."""

    operation: str
    left: SizeExpression
    right: SizeExpression


SizeExpression = int | str | Computed  # a number, a symbol, an operation


def size_expression(text: str) -> SizeExpression:
    """The expression that `text` says. Raises GraphError for what is none."""
    try:
        if len(text) > LONGEST:
            raise ValueError(f"{len(text)} characters")
        return _read(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise GraphError(
            "a size is no expression that can be computed",
            found=f"{text[:100]!r} ({error})",
            expected=f"sums, products, quotients rounded down, at most {LONGEST} characters",
            fix="fix the size that it stands for, or compute it otherwise in the model",
        ) from error


def _read(node: ast.expr) -> SizeExpression:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return _negative(_read(node.operand))
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        return Computed(_BINARY[type(node.op)], _read(node.left), _read(node.right))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        return _power(_read(node.left), _read(node.right))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _called(node.func.id, [_read(argument) for argument in node.args])
    raise ValueError(ast.unparse(node)[:60])


def _negative(operand: SizeExpression) -> SizeExpression:
    return -operand if isinstance(operand, int) else Computed(PRODUCT, -1, operand)


def _power(base: SizeExpression, exponent: SizeExpression) -> SizeExpression:
    if not isinstance(exponent, int) or not 1 <= exponent <= _HIGHEST_POWER:
        raise ValueError(f"a power of {exponent}")
    found = base
    for _ in range(exponent - 1):
        found = Computed(PRODUCT, found, base)
    return found


def _called(name: str, operands: list[SizeExpression]) -> SizeExpression:
    operation = _CALLED.get(name.lower())
    if operation is None or len(operands) < 2:
        raise ValueError(f"{name} of {len(operands)}")
    found = operands[0]
    for operand in operands[1:]:
        found = Computed(operation, found, operand)
    return found
