"""gelu(x) = x · Φ(x), exact and by tanh. Hendrycks and Gimpel 2016, arXiv:1606.08415, section 2.

    exact   0.5 · x · (1 + erf(x / √2)) = 0.5 · x · erfc(-x / √2)
    tanh    0.5 · x · (1 + tanh(√(2/π) · (x + 0.044715 · x³)))

`approximate` is `"none"` or `"tanh"`.
"""

from __future__ import annotations

from math import pi, sqrt

from clika_core.ir.composites.composite import Composite, always
from clika_core.ir.composites.dsl import cube, either, op, product, square, var

X = var("input")

_ERF = op("erf", product(X, sqrt(0.5)))
_ERFC = op(
    "erfc",
    either(
        product(X, -sqrt(0.5)),
        product(op("neg", X), sqrt(0.5)),
        op("neg", product(X, sqrt(0.5))),
    ),
)
_CUBIC = either(
    op("add", X, product(0.044715, X, X, X)),
    op("add", X, product(0.044715, cube(X))),
    product(X, op("add", product(0.044715, X, X), 1)),
    product(X, op("add", product(0.044715, square(X)), 1)),
)
_TANH = op("tanh", product(sqrt(2 / pi), _CUBIC))
_TANH_FLAT = op("tanh", product(sqrt(2 / pi), X, op("add", product(0.044715, X, X), 1)))

EXACT = Composite(
    "gelu",
    (product(0.5, X, op("add", _ERF, 1)), product(0.5, X, _ERFC)),
    always(approximate="none"),
)
TANH = Composite(
    "gelu",
    (product(0.5, X, op("add", _TANH, 1)), product(0.5, X, op("add", _TANH_FLAT, 1))),
    always(approximate="tanh"),
)
