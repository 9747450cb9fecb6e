"""A convolution or dense layer and the sum with its bias, which frameworks spell as a second operation.

The bias is a parameter with one value for each output channel, whatever shape it has been brought into to broadcast.
"""

from __future__ import annotations

from clika_core.ir.channels import SPATIAL
from clika_core.ir.composites.composite import Attributes, Composite
from clika_core.ir.composites.dsl import op, param, var, whole_param
from clika_core.ir.composites.trace_view import Match, TraceView
from clika_core.ir.recording import Record, Ref

X, WEIGHT, BIAS = var("input"), whole_param("weight"), param("bias")


def _attributes(match: Match, trace: TraceView) -> Attributes | None:
    """Those of the operation; refused where the sum is not one value for each channel of the result."""
    records = [trace.records[name] for name in match.records if trace.known.is_data(Ref(name))]
    total = next(record for record in records if record.type == "add")
    inner = next(record for record in records if record is not total)
    shape = trace.value(Ref(inner.id)).shape
    axis = inner.attributes.get("channel_axis", 1) if inner.type in SPATIAL else len(shape) - 1
    (spread,) = (trace.value(ref).shape for _, ref in total.operands if trace.known.is_parametric(ref))
    aligned = (*(1,) * (len(shape) - len(spread)), *spread)
    expected = tuple(size if position == axis else 1 for position, size in enumerate(shape))
    is_vector = len(trace.value(match.values["bias"]).shape) == 1
    return inner.attributes if aligned == expected and is_vector and not _is_scaled(total) else None


def _is_scaled(total: Record) -> bool:
    return total.attributes.get("alpha", 1) != 1


def _with_bias(type_name: str) -> Composite:
    return Composite(type_name, (op("add", op(type_name, X, WEIGHT), BIAS),), _attributes)


COMPOSITES = tuple(map(_with_bias, ("conv", "conv_transpose", "linear")))
