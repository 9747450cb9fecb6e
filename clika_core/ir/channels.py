"""Which axis of a value holds its channels, and which are space.

Frameworks differ: [N, C, H, W] here, [N, H, W, C] there. A graph keeps the axes its framework has. Operators that
tell channels from space have channels on axis 1 unless their attribute `channel_axis` says otherwise: a backend
writes it, the last axis counted from the front, where it is not 1. Weights have one layout in all frameworks, the
vocabulary's: a backend records a movement of its parameter where its own differs.

    conv            [out, in / groups, *kernel]          linear      [out, in]
    conv_transpose  [in, out / groups, *kernel]          embedding   [rows, features]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from clika_core.ir.graph import AttributeValue, Node

if TYPE_CHECKING:
    from clika_core.ir.recording import Record, Ref

SPATIAL = frozenset(
    "conv conv_transpose max_pool avg_pool lp_pool adaptive_avg_pool adaptive_max_pool resize resize_nearest "
    "pixel_shuffle pixel_unshuffle channel_shuffle group_norm instance_norm".split()
)
_KEEPING = frozenset(
    "identity dropout cast pad slice concat flip add sub mul div maximum minimum clamp relu relu6 leaky_relu elu "
    "celu selu sigmoid silu softplus softsign tanh gelu mish prelu hard_sigmoid hard_swish log_sigmoid".split()
)


def channel_axis(node: Node) -> int:
    """The axis of a layer's values that its channels are on; -1 where they are features, on the last."""
    axis = node.attributes.get("channel_axis", 1 if node.type in SPATIAL else -1)
    assert isinstance(axis, int)
    return axis


def recorded_channel_axes(records: Iterable[Record]) -> dict[Ref, int]:
    """The channel axis of every value that a spatial operator computed, also behind what keeps its axes."""
    found: dict[Ref, int] = {}
    ranks: dict[Ref, int] = {}
    for record in records:
        axis = _axis(record, found, ranks)
        for port, value in enumerate(record.outputs):
            ranks[Ref(record.id, port)] = len(value.shape)
            if axis is not None and axis < len(value.shape):
                found[Ref(record.id, port)] = axis
    return found


def _axis(record: Record, found: Mapping[Ref, int], ranks: Mapping[Ref, int]) -> int | None:
    if record.type in SPATIAL:
        return _number(record.attributes.get("channel_axis", 1))
    if record.type == "batch_norm":
        return _number(record.attributes.get("axis", 1))
    operands = [ref for _, ref in record.operands if ref in found]
    if record.type not in _KEEPING or not operands:
        return None
    rank = len(record.outputs[0].shape) if record.outputs else 0
    return found[operands[0]] if ranks[operands[0]] == rank else None


def _number(value: AttributeValue) -> int | None:
    return value if isinstance(value, int) else None
