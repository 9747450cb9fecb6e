"""hard_sigmoid(x) = relu6(x + 3) / 6 = clamp(x / 6 + 1/2, 0, 1). arXiv:1905.02244, 5.2."""

from __future__ import annotations

from clika_core.ir.composites.composite import Composite, always
from clika_core.ir.composites.dsl import op, product, var

X = var("input")

COMPOSITE = Composite(
    "hard_sigmoid",
    (
        product(op("relu6", op("add", X, 3)), 1 / 6),
        op("clamp", op("add", product(X, 1 / 6), 0.5), min=0, max=1),
    ),
    always(),
)
