"""The channel axis of values in a recording: which means over axes are means over space is read off it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from clika_core.ir.channels import SPATIAL
from clika_core.ir.graph import AttributeValue
from clika_core.ir.recording import Record, Ref

_KEEPING = frozenset(
    "identity dropout cast pad slice concat flip add sub mul div maximum minimum clamp relu relu6 leaky_relu elu "
    "celu selu sigmoid silu softplus softsign tanh gelu mish prelu hard_sigmoid hard_swish log_sigmoid".split()
)


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
