"""Whether a target lacks a layer, or only the bits that were asked of it."""

from __future__ import annotations

from collections.abc import Mapping

from clika_core.ir.graph import Graph, Node
from clika_core.targets.target import Target


def reason_at_supported_bits(
    target: Target, graph: Graph, node: Node, other: Mapping[str, int] | None = None
) -> str | None:
    """Why the target cannot run a layer with the widest codes it has, or `other` ones; None where it can."""
    bits = {
        "weights_num_bits": max(target.weight_bits, default=8),
        "activations_num_bits": max(target.activation_bits, default=8),
        **(other or {}),
    }
    return target.support(graph, node, **bits)
