"""Which axis of a value holds its channels, and which are space.

Frameworks differ: [N, C, H, W] here, [N, H, W, C] there. A graph keeps the axes its framework has. Operators that
tell channels from space have channels on axis 1 unless their attribute `channel_axis` says otherwise: a backend
writes it, the last axis counted from the front, where it is not 1. Weights have one layout in all frameworks, the
vocabulary's: a backend records a movement of its parameter where its own differs.

    conv            [out, in / groups, *kernel]          linear      [out, in]
    conv_transpose  [in, out / groups, *kernel]          embedding   [rows, features]
"""

from __future__ import annotations

from clika_core.ir.graph import Node

SPATIAL = frozenset(
    "conv conv_transpose max_pool avg_pool sum_pool lp_pool adaptive_avg_pool adaptive_max_pool resize "
    "resize_nearest pixel_shuffle pixel_unshuffle channel_shuffle group_norm instance_norm".split()
)


def channel_axis(node: Node) -> int:
    """The axis of a layer's values that its channels are on; -1 where they are features, on the last."""
    axis = node.attributes.get("channel_axis", 1 if node.type in SPATIAL else -1)
    assert isinstance(axis, int)
    return axis
