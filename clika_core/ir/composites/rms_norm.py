"""rms_norm(x) = x / √(mean(x²) + ε) · weight. Zhang and Sennrich 2019, arXiv:1910.07467, section 4."""

from __future__ import annotations

from clika_core.ir.composites.composite import Composite
from clika_core.ir.composites.dsl import mean, param, passed_on, square, var
from clika_core.ir.composites.norm_parts import normalised, scaled

X = var("input")
_MEAN_SQUARE = mean(square(passed_on(X)))

COMPOSITE = Composite(
    "rms_norm",
    (
        scaled(X, _MEAN_SQUARE, param("weight")),
        normalised(X, _MEAN_SQUARE),
    ),
)
