"""layer_norm(x) = (x - mean(x)) / √(var(x) + ε) · weight + bias. Ba et al. 2016, arXiv:1607.06450, section 3.

Statistics run over `axes` of each sample; `weight` and `bias` may be missing.
"""

from __future__ import annotations

from clika_core.ir.composites.composite import Composite
from clika_core.ir.composites.dsl import either, mean, op, param, var
from clika_core.ir.composites.norm_parts import inverse_deviation, normalised, scaled, variance
from clika_core.ir.composites.patterns import Pattern

X = var("input")
WEIGHT, BIAS = param("weight"), param("bias")

_CENTRED = op("sub", X, mean(X))


def _by_factor(factor: Pattern) -> tuple[Pattern, ...]:
    """x · factor + (bias - mean · factor), where the factor is the same in both places."""
    lowered = op("mul", op("neg", mean(X)), factor)
    offset = either(op("sub", BIAS, op("mul", mean(X), factor)), op("add", lowered, BIAS))
    return (op("add", op("mul", X, factor), offset), op("add", op("mul", X, factor), lowered))


COMPOSITE = Composite(
    "layer_norm",
    (
        op("add", scaled(_CENTRED, variance(X), WEIGHT), BIAS),
        op("add", normalised(_CENTRED, variance(X)), BIAS),
        *_by_factor(op("mul", inverse_deviation(variance(X)), WEIGHT)),
        *_by_factor(inverse_deviation(variance(X))),
        scaled(_CENTRED, variance(X), WEIGHT),
        normalised(_CENTRED, variance(X)),
    ),
)
