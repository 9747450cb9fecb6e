"""relu(x) = max(x, 0), also where it is spelt as a clamp or a maximum."""

from __future__ import annotations

from clika_core.ir.composites.composite import Composite, always
from clika_core.ir.composites.dsl import op, var

X = var("input")

COMPOSITE = Composite(
    "relu",
    (
        op("clamp", X, min=0, max=None),
        op("clamp", X, min=0, max=float("inf")),
        op("maximum", X, 0),
    ),
    always(),
)
