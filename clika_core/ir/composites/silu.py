"""silu(x) = x · sigmoid(x) = x / (1 + exp(-x)). Elfwing et al. 2017, arXiv:1702.03118; also called swish.

TensorFlow spells out the factor beta of swish, x · sigmoid(beta · x), where it is 1.
"""

from __future__ import annotations

from clika_core.ir.composites.composite import Composite, always
from clika_core.ir.composites.dsl import either, op, var

X = var("input")

COMPOSITE = Composite(
    "silu",
    (
        op("mul", X, op("sigmoid", either(X, op("mul", X, 1)))),
        op("div", X, op("add", op("exp", op("neg", X)), 1)),
    ),
    always(),
)
