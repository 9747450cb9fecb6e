"""relu6(x) = min(max(x, 0), 6)."""

from __future__ import annotations

from clika_core.ir.composites.composite import Composite, always
from clika_core.ir.composites.dsl import op, var

X = var("input")

COMPOSITE = Composite(
    "relu6",
    (
        op("clamp", X, min=0, max=6),
        op("minimum", op("relu", X), 6),
        op("clamp", op("relu", X), min=None, max=6),
    ),
    always(),
)
