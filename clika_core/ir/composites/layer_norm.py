"""layer_norm(x) = (x - mean(x)) / √(var(x) + ε) · weight + bias. Ba et al. 2016, arXiv:1607.06450, section 3.

Statistics run over `axes` of each sample; `weight` and `bias` may be missing.
"""

from __future__ import annotations

from clika_core.ir.composites.composite import Composite
from clika_core.ir.composites.dsl import mean, op, param, var
from clika_core.ir.composites.norm_parts import inverse_deviation, normalised, scaled, variance
from clika_core.ir.composites.patterns import Pattern

X = var("input")
WEIGHT, BIAS = param("weight"), param("bias")

_CENTRED = op("sub", X, mean(X))


def _by_factor(factor: Pattern) -> Pattern:
    """x · factor + (bias - mean · factor), where the factor is the same in both places."""
    return op("add", op("mul", X, factor), op("sub", BIAS, op("mul", mean(X), factor)))


COMPOSITE = Composite(
    "layer_norm",
    (
        op("add", scaled(_CENTRED, variance(X), WEIGHT), BIAS),
        op("add", normalised(_CENTRED, variance(X)), BIAS),
        _by_factor(op("mul", inverse_deviation(variance(X)), WEIGHT)),
        _by_factor(inverse_deviation(variance(X))),
        scaled(_CENTRED, variance(X), WEIGHT),
        normalised(_CENTRED, variance(X)),
    ),
)
