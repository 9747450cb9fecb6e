"""A convolution or dense layer with what frameworks spell around it: the sum with its bias, and, for dense layers
over more axes than two, the reshapes that make a matrix of its input and back.

The bias is a parameter with one value for each output channel, whatever shape it has been brought into to broadcast.
"""

from __future__ import annotations

from clika_core.ir.channels import SPATIAL
from clika_core.ir.composites.composite import Attributes, Composite
from clika_core.ir.composites.dsl import op, param, var, whole_param
from clika_core.ir.composites.patterns import Pattern
from clika_core.ir.composites.trace_view import Match, TraceView
from clika_core.ir.recording import Record, Ref

X, WEIGHT, BIAS = var("input"), whole_param("weight"), param("bias", rank=1)

_OVER_MATRIX = op("reshape", op("linear", op("reshape", X), WEIGHT))


def _attributes(match: Match, trace: TraceView) -> Attributes | None:
    """Those of the operation; refused where the sum or the reshapes are not what they are taken for."""
    records = [trace.records[name] for name in match.records if trace.known.is_data(Ref(name))]
    sums = [record for record in records if record.type == "add"]
    (inner,) = (record for record in records if record.type not in ("add", "reshape"))
    reshaped = [record for record in records if record.type == "reshape"]
    if reshaped and not _keeps_axes(match, reshaped, trace):
        return None
    if sums and not _is_bias(match, sums[0], inner, trace):
        return None
    return inner.attributes


def _keeps_axes(match: Match, reshaped: list[Record], trace: TraceView) -> bool:
    """Whether the reshapes fold all axes but the last into one, and unfold them again."""
    before = trace.value(match.values["input"]).shape
    shapes = {len(record.outputs[0].shape): record.outputs[0].shape for record in reshaped}
    matrix, after = shapes.get(2, ()), shapes.get(len(before), ())
    return len(before) > 2 and matrix[-1:] == before[-1:] and after[:-1] == before[:-1]


def _is_bias(match: Match, total: Record, inner: Record, trace: TraceView) -> bool:
    """Whether what is added is one value for each channel of the result."""
    shape = total.outputs[0].shape
    axis = inner.attributes.get("channel_axis", 1) if inner.type in SPATIAL else len(shape) - 1
    (spread,) = (trace.value(ref).shape for _, ref in total.operands if trace.known.is_parametric(ref))
    aligned = (*(1,) * (len(shape) - len(spread)), *spread)
    expected = tuple(size if position == axis else 1 for position, size in enumerate(shape))
    is_vector = len(trace.value(match.values["bias"]).shape) == 1
    return aligned == expected and is_vector and total.attributes.get("alpha", 1) == 1


def _with_bias(operation: Pattern) -> Pattern:
    return op("add", operation, BIAS)


def _biased(type_name: str) -> Composite:
    return Composite(type_name, (_with_bias(op(type_name, X, WEIGHT)),), _attributes)


CONV, CONV_TRANSPOSE = _biased("conv"), _biased("conv_transpose")
LINEAR = Composite(
    "linear",
    (_with_bias(_OVER_MATRIX), _OVER_MATRIX, _with_bias(op("linear", X, WEIGHT))),
    _attributes,
)
