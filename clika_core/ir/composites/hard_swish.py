"""hard_swish(x) = x · relu6(x + 3) / 6. Howard et al. 2019, arXiv:1905.02244, 5.2."""

from __future__ import annotations

from clika_core.ir.composites.composite import Composite, always
from clika_core.ir.composites.dsl import op, product, var

X = var("input")

COMPOSITE = Composite(
    "hard_swish",
    (
        op("mul", X, op("hard_sigmoid", X)),
        product(X, op("relu6", op("add", X, 3)), 1 / 6),
    ),
    always(),
)
