"""layer_norm(x) = (x - mean(x)) / √(var(x) + ε) · weight + bias. Ba et al. 2016, arXiv:1607.06450, section 3.

Statistics run over `axes` of each sample; `weight` and `bias` may be missing.
"""

from __future__ import annotations

from clika_core.ir.composites.composite import Composite
from clika_core.ir.composites.dsl import either, mean, op, param, var
from clika_core.ir.composites.norm_parts import inverse_deviation, normalised, scaled, variance

X = var("input")
WEIGHT, BIAS = param("weight"), param("bias")

_CENTRED = op("sub", X, mean(X))
_FACTOR = either(op("mul", inverse_deviation(variance(X)), WEIGHT), inverse_deviation(variance(X)))

COMPOSITE = Composite(
    "layer_norm",
    (
        op("add", scaled(_CENTRED, variance(X), WEIGHT), BIAS),
        op("add", normalised(_CENTRED, variance(X)), BIAS),
        op("add", op("mul", X, _FACTOR), op("sub", BIAS, op("mul", mean(X), _FACTOR))),
        scaled(_CENTRED, variance(X), WEIGHT),
        normalised(_CENTRED, variance(X)),
    ),
)
