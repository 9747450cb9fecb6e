"""Batch norm in inference: (x - mean) / √(var + ε) · weight + bias with running statistics.

Ioffe and Szegedy 2015, arXiv:1502.03167, algorithm 2. Frameworks compute the factor of x and the constant
term from parameters alone, so these operations are parametric; `weight` and `bias` may be missing.
"""

from __future__ import annotations

from clika_core.ir.composites.composite import Attributes, Composite
from clika_core.ir.composites.dsl import either, op, param, var
from clika_core.ir.composites.norm_parts import inverse_deviation, normalised, scaled
from clika_core.ir.composites.patterns import Pattern
from clika_core.ir.composites.trace_view import Match, TraceView
from clika_core.ir.recording import Record, Ref

X = var("input")
MEAN, VARIANCE = param("running_mean"), param("running_var")
WEIGHT, BIAS = param("weight"), param("bias")

_CENTRED = op("sub", X, MEAN)


def _by_factor(factor: Pattern) -> tuple[Pattern, ...]:
    """x · factor + (bias - mean · factor), where the factor is the same in both places."""
    scaled_mean = op("mul", MEAN, factor)
    return (
        op("add", op("mul", X, factor), op("sub", BIAS, scaled_mean)),
        op("add", op("mul", X, factor), either(op("neg", scaled_mean), op("mul", op("neg", MEAN), factor))),
        op("sub", op("mul", X, factor), scaled_mean),
    )


def _attributes(match: Match, trace: TraceView) -> Attributes | None:
    """Epsilon, and the axis along which the statistics lie; refused where they lie along none or several."""
    shape = trace.value(match.values["input"]).shape
    axes = {
        axis
        for name in match.records
        for ref in _broadcast_operands(trace.records[name], trace)
        for axis, size in enumerate(trace.value(ref).shape, len(shape) - len(trace.value(ref).shape))
        if size != 1
    }
    return {"epsilon": match.attributes["epsilon"], "axis": axes.pop()} if len(axes) == 1 else None


def _broadcast_operands(record: Record, trace: TraceView) -> list[Ref]:
    """The parametric operands that meet data in this record."""
    if not trace.known.is_data(Ref(record.id)):
        return []
    return [ref for _, ref in record.operands if trace.known.is_parametric(ref)]


COMPOSITE = Composite(
    "batch_norm",
    (
        op("add", scaled(_CENTRED, VARIANCE, WEIGHT), BIAS),
        op("add", normalised(_CENTRED, VARIANCE), BIAS),
        *_by_factor(op("mul", inverse_deviation(VARIANCE), WEIGHT)),
        *_by_factor(inverse_deviation(VARIANCE)),
        scaled(_CENTRED, VARIANCE, WEIGHT),
        normalised(_CENTRED, VARIANCE),
    ),
    _attributes,
)
