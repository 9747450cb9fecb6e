"""log_softmax(x) = (x - max(x)) - log(sum(exp(x - max(x)))) along one axis."""

from __future__ import annotations

from clika_core.ir.composites.composite import Composite
from clika_core.ir.composites.dsl import op, reduced, var
from clika_core.ir.composites.patterns import Pattern
from clika_core.ir.composites.softmax import one_axis

X = var("input")


def _minus_log(value: Pattern) -> Pattern:
    return op("sub", value, op("log", reduced("sum", op("exp", value))))


COMPOSITE = Composite(
    "log_softmax", (_minus_log(op("sub", X, reduced("reduce_max", X))), _minus_log(X)), one_axis
)
