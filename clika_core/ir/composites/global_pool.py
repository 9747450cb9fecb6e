"""A mean over all spatial axes of what spatial operators computed is a global average pool: `adaptive_avg_pool`.

Networks spell it as a layer or as a plain mean, with the axes kept or not: one layer for all of them.
"""

from __future__ import annotations

from clika_core.ir.composites.composite import Attributes, Composite
from clika_core.ir.composites.dsl import capture, op, var
from clika_core.ir.composites.trace_view import Match, TraceView

X = var("input")


def _attributes(match: Match, trace: TraceView) -> Attributes | None:
    """One output for every channel; refused where the mean runs over other axes than all of space."""
    value = match.values["input"]
    channels = trace.channel_axes.get(value)
    rank = len(trace.value(value).shape)
    if channels is None or match.attributes["axes"] != tuple(a for a in range(1, rank) if a != channels):
        return None
    found: dict[str, bool | int | tuple[int, ...]] = {"output_size": (1,) * (rank - 2)}
    if not match.attributes["keep_dims"]:
        found["keep_dims"] = False
    if channels != 1:
        found["channel_axis"] = channels
    return found


COMPOSITE = Composite(
    "adaptive_avg_pool", (op("mean", X, axes=capture("axes"), keep_dims=capture("keep_dims")),), _attributes
)
