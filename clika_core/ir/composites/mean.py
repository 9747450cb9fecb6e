"""mean(x) = sum(x) / count: one reduction where a framework divides by the number of elements itself."""

from __future__ import annotations

from math import isclose, prod

from clika_core.ir.composites.composite import Attributes, Composite
from clika_core.ir.composites.dsl import capture, either, op, var
from clika_core.ir.composites.patterns import TOLERANCE
from clika_core.ir.composites.trace_view import Match, TraceView

X = var("input")
_SUM = op("sum", X, axes=capture("axes"), keep_dims=capture("keep_dims"))
_TOTAL = either(_SUM, op("unsqueeze", _SUM, axes=capture("kept")))


def _attributes(match: Match, trace: TraceView) -> Attributes | None:
    """Axes, and whether they are kept; refused where something else than their number of elements divides."""
    axes = match.attributes["axes"]
    shape = trace.value(match.values["input"]).shape
    listed = axes if isinstance(axes, tuple) else ()
    sizes = [shape[axis] for axis in listed if isinstance(axis, int)]
    counts = [size for size in sizes if isinstance(size, int)]
    factor = match.attributes.get("factor")
    divisor = match.attributes.get("count", 1 / factor if isinstance(factor, float) and factor else None)
    if not isinstance(divisor, float) or not counts or len(counts) != len(sizes):
        return None
    if not isclose(divisor, prod(counts), rel_tol=TOLERANCE):
        return None
    kept = match.attributes.get("kept")
    if kept is not None and (kept != axes or match.attributes["keep_dims"]):
        return None
    return {"axes": axes, "keep_dims": bool(match.attributes["keep_dims"]) or kept is not None}


COMPOSITE = Composite(
    "mean",
    (op("div", _TOTAL, capture("count")), op("mul", _TOTAL, capture("factor"))),
    _attributes,
)
