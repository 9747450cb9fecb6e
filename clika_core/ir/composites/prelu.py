"""prelu(x) = max(x, 0) + slope · min(x, 0) with learned slopes. He et al. 2015, arXiv:1502.01852, equation 1."""

from __future__ import annotations

from clika_core.ir.composites.composite import Attributes, Composite
from clika_core.ir.composites.dsl import either, op, var, whole_param
from clika_core.ir.composites.trace_view import Match, TraceView

X, SLOPE = var("input"), whole_param("weight")


def _attributes(match: Match, trace: TraceView) -> Attributes | None:
    """None; refused where a vector of slopes does not lie along axis 1, where the vocabulary has it."""
    ranks = [len(trace.value(match.values[role]).shape) for role in ("input", "weight")]
    return None if ranks[1] == 1 and ranks[0] > 2 else {}


COMPOSITE = Composite(
    "prelu",
    (
        op("add", op("relu", X), op("mul", op("neg", SLOPE), op("relu", op("neg", X)))),
        op(
            "add",
            op("relu", X),
            op("mul", SLOPE, either(op("minimum", X, 0), op("neg", op("relu", op("neg", X))))),
        ),
    ),
    _attributes,
)
