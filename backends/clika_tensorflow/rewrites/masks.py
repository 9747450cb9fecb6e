"""A mask that takes scores out of a softmax, as one that is added to them: attention has a mask that way.

softmax(where(allowed, scores, -2e38))          ->   softmax(scores + where(allowed, 0, -2e38))   MultiHeadAttention
softmax(where(hidden, scores - 1e9, scores))    ->   softmax(scores + where(hidden, -1e9, 0))     Attention

The sums are the same float32 numbers, or what no softmax leaves anything of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from clika_core.ir.recording import Ref
from clika_tensorflow.flattening import FlatCall, FlatGraph
from clika_tensorflow.rewrites.editing import Editing, input_shape

_NEVER: Final = -1e9  # what is at least as low takes in every score that is added to it


def rewrite(graph: FlatGraph) -> FlatGraph:
    """Every such mask, added."""
    editing = Editing(graph)
    replaced: dict[str, list[FlatCall]] = {}
    for call in graph.calls:
        found = _mask_of(editing, call)
        if found is not None:
            lowered = editing.by_id.get(call.arguments["t"].record)
            if found.where_true and lowered is not None and editing.only_reader(lowered) is call:
                replaced[lowered.id] = []
            replaced[call.id] = _added(editing, call, found)
    return editing.finish(new for call in graph.calls for new in replaced.get(call.id, [call]))


@dataclass(frozen=True)
class _Mask:
    """The scores, and the numbers that are added where the condition holds and where it does not."""

    scores: Ref
    where_true: float
    where_false: float


def _mask_of(editing: Editing, call: FlatCall) -> _Mask | None:
    """The mask that `call` is; only a softmax may read it."""
    reader = editing.only_reader(call) if call.type == "SelectV2" else None
    if reader is None or reader.type != "Softmax":
        return None
    chosen, other = call.arguments["t"], call.arguments["e"]
    lowest = _number(editing, other)
    if lowest is not None:
        return _Mask(chosen, 0.0, lowest) if lowest <= _NEVER else None
    lowered = editing.by_id.get(chosen.record)
    if lowered is None or lowered.type != "Sub" or lowered.arguments["x"] != other:
        return None
    taken = _number(editing, lowered.arguments["y"])
    return _Mask(other, -taken, 0.0) if taken is not None and -taken <= _NEVER else None


def _number(editing: Editing, ref: Ref) -> float | None:
    held = editing.numbers(ref)
    return float(held) if held is not None and held.ndim == 0 and held.dtype == np.float32 else None


def _added(editing: Editing, call: FlatCall, mask: _Mask) -> list[FlatCall]:
    name = f"{call.id}/mask"
    choice = {
        "condition": call.arguments["condition"],
        "t": editing.constant(f"{name}/true", mask.where_true, np.float32),
        "e": editing.constant(f"{name}/false", mask.where_false, np.float32),
    }
    chosen = editing.call(call, name, "SelectV2", choice, input_shape(call, 0))
    summed = {"x": mask.scores, "y": Ref(chosen.id)}
    return [chosen, editing.call(call, call.id, "AddV2", summed, call.static_shape)]
