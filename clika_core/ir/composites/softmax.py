"""softmax(x) = exp(x - max(x)) / sum(exp(x - max(x))) along one axis."""

from __future__ import annotations

from clika_core.ir.composites.composite import Attributes, Composite
from clika_core.ir.composites.dsl import op, reduced, var
from clika_core.ir.composites.patterns import Pattern
from clika_core.ir.composites.trace_view import Match, TraceView

X = var("input")


def _ratio(exponential: Pattern) -> tuple[Pattern, ...]:
    total = reduced("sum", exponential)
    return (op("div", exponential, total), op("mul", exponential, op("reciprocal", total)))


def one_axis(match: Match, _: TraceView) -> Attributes | None:
    """The axis; refused where the sum runs over several."""
    axes = match.attributes["axes"]
    return {"axis": axes[0]} if isinstance(axes, tuple) and len(axes) == 1 else None


COMPOSITE = Composite(
    "softmax",
    (*_ratio(op("exp", op("sub", X, reduced("reduce_max", X)))), *_ratio(op("exp", X))),
    one_axis,
)
