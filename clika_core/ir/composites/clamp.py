"""clamp(x) = min(max(x, low), high), also where it is spelt as the two bounds one after the other."""

from __future__ import annotations

from clika_core.ir.composites.composite import Attributes, Composite
from clika_core.ir.composites.dsl import capture, op, var
from clika_core.ir.composites.trace_view import Match, TraceView

X = var("input")


def _attributes(match: Match, _: TraceView) -> Attributes | None:
    """The bounds; refused where they cross: then the order counts."""
    low, high = match.attributes["min"], match.attributes["max"]
    is_ordered = isinstance(low, float) and isinstance(high, float) and low <= high
    return match.attributes if is_ordered else None


COMPOSITE = Composite(
    "clamp",
    (
        op("minimum", op("maximum", X, capture("min")), capture("max")),
        op("maximum", op("minimum", X, capture("max")), capture("min")),
    ),
    _attributes,
)
