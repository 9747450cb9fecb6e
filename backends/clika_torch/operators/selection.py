"""Operators that select values, join them, or order them."""

from __future__ import annotations

import sys

from clika_core.ir.graph import AttributeValue
from clika_torch.operators.mapping import Attributes, Call, Mapping, normalise, reduction, roles, size


def _slice(call: Call) -> Attributes:
    axis = call.axis("dim")
    full = call.shape("self")[axis]
    start, end = _bound(call["start"], full), _bound(call["end"], full)
    if end is None and isinstance(full, int):
        end = full
    return {"axis": axis, "start": start or 0, "end": end, "step": call["step"]}


def _bound(value: AttributeValue, full: AttributeValue) -> AttributeValue:
    """A bound counted from the front and inside the axis, where the axis has a known size; None for its end."""
    if value == sys.maxsize:
        return None
    if isinstance(value, int) and isinstance(full, int):
        return min(max(value + full if value < 0 else value, 0), full)
    return value


def _narrow(call: Call) -> Attributes:
    start, length = call["start"], call["length"]
    end = start + length if isinstance(start, int) and isinstance(length, int) else None
    return {"axis": call.axis("dim"), "start": start, "end": end, "step": 1}


def _select(call: Call) -> Attributes:
    axis, index = call.axis("dim"), call["index"]
    full = call.shape("self")[axis]
    return {
        "axis": axis,
        "index": index % full if isinstance(full, int) and isinstance(index, int) else index,
    }


def _split(call: Call) -> Attributes:
    axis = call.axis("dim")
    return {"axis": axis, "sizes": tuple(size(part.shape[axis]) for part in call.node.meta["val"])}


def _joined(call: Call) -> Attributes:
    return {"axis": normalise(call["dim"], call.result.dim())}


_SPLITS = "split split_with_sizes chunk tensor_split".split()
_EXTREMES = {"amax": "reduce_max", "max": "reduce_max", "amin": "reduce_min", "min": "reduce_min"}

NATIVE = {
    "aten.slice": Mapping("slice", attributes=_slice),
    "aten.narrow": Mapping("slice", attributes=_narrow),
    "aten.select": Mapping("select", attributes=_select),
    **{f"aten.{name}": Mapping("split", attributes=_split) for name in _SPLITS},
    "aten.unbind": Mapping("unbind", attributes=lambda call: {"axis": call.axis("dim")}),
    "aten.cat": Mapping("concat", roles("inputs*=tensors"), _joined),
    "aten.concat": Mapping("concat", roles("inputs*=tensors"), _joined),
    "aten.stack": Mapping("stack", roles("inputs*=tensors"), _joined),
    "aten.index_select": Mapping(
        "gather", roles("input=self indices=index"), lambda call: {"axis": call.axis("dim")}
    ),
    "aten.gather": Mapping(
        "gather_elements", roles("input=self indices=index"), lambda call: {"axis": call.axis("dim")}
    ),
    "aten.index": Mapping("index", roles("input=self indices*=indices")),
    "aten.where": Mapping("where", roles("condition input=self other")),
    **{f"aten.{native}": Mapping(neutral, attributes=reduction) for native, neutral in _EXTREMES.items()},
    "aten.topk": Mapping("top_k", attributes=lambda call: {"k": call["k"], "axis": call.axis("dim")}),
    "aten.sort": Mapping(
        "sort", attributes=lambda call: {"axis": call.axis("dim"), "descending": call["descending"]}
    ),
}
