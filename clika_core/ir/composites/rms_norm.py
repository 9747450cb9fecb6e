"""rms_norm(x) = x / √(mean(x²) + ε) · weight. Zhang and Sennrich 2019, arXiv:1910.07467, section 4."""

from __future__ import annotations

from clika_core.ir.composites.composite import Composite
from clika_core.ir.composites.dsl import (
    mean,
    op,
    param,
    passed_on,
    product,
    spread_mean_of,
    square,
    var,
)
from clika_core.ir.composites.norm_parts import inverse_deviation, normalised, scaled

X = var("input")
WEIGHT = param("weight")
_MEAN_SQUARE = mean(square(passed_on(X)))
_SPREAD = spread_mean_of(lambda average: inverse_deviation(average(square(passed_on(X)))))

COMPOSITE = Composite(
    "rms_norm",
    (
        scaled(X, _MEAN_SQUARE, WEIGHT),
        product(X, _SPREAD, WEIGHT),
        normalised(X, _MEAN_SQUARE),
        op("mul", X, _SPREAD),
    ),
)
