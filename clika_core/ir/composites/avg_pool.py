"""An average pool is a sum over each window, divided by the elements of a window, or by those inside the input."""

from __future__ import annotations

from math import isclose, prod

from clika_core.ir.composites.composite import Attributes, Composite
from clika_core.ir.composites.dsl import capture, op, var
from clika_core.ir.composites.patterns import TOLERANCE
from clika_core.ir.composites.trace_view import Match, TraceView
from clika_core.ir.recording import Ref

X = var("input")
_SUM = op("sum_pool", X)
_COUNT = op("sum_pool", op("full", value=1))


def _attributes(match: Match, trace: TraceView) -> Attributes | None:
    """The window's; refused where something else than its size divides, or the counts are of another window."""
    windows = [trace.records[name] for name in match.records if trace.records[name].type == "sum_pool"]
    window = next(one for one in windows if trace.known.is_data(Ref(one.id)))
    if any(one.attributes != window.attributes for one in windows):
        return None
    kernel = window.attributes.get("kernel_size")
    sizes = [size for size in kernel if isinstance(size, int)] if isinstance(kernel, tuple) else []
    count = match.attributes.get("count")
    if isinstance(count, float) and not isclose(count, prod(sizes), rel_tol=TOLERANCE):
        return None
    return {**window.attributes, "count_include_pad": count is not None}


COMPOSITE = Composite(
    "avg_pool",
    (op("div", _SUM, capture("count")), op("div", _SUM, _COUNT)),
    _attributes,
)
