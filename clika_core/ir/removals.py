"""Which layers preprocessing takes out, from traits alone: dropouts, and batch norms that fold into a producer."""

from __future__ import annotations

from clika_core.ir.channels import channel_axis
from clika_core.ir.graph import Graph, Node, NodeKind
from clika_core.ir.operators import OPERATORS, Trait, is_weighted, trait_of

_REMOVED = frozenset(name for name, entry in OPERATORS.items() if entry.trait is Trait.REMOVED)
FOLDING_HOSTS = frozenset({"conv", "conv_transpose", "linear"})


def removals(graph: Graph) -> dict[str, str | None]:
    """Each removed layer with the layer that absorbs it, or None where there is nothing to absorb.

    A batch norm folds where its input is computed by a weighted convolution or linear layer, through removed
    layers or not, along the same channels, and every value in between is read by nothing else: another reader
    would see changed numbers.
    """
    found: dict[str, str | None] = {}
    for node in graph.nodes:
        if node.type in _REMOVED and trait_of(node) is Trait.REMOVED:
            found[node.name] = None
        elif node.type == "batch_norm" and node.kind is NodeKind.LAYER:
            host = _host(graph, node, found)
            if host is not None:
                found[node.name] = host
    return found


def _host(graph: Graph, norm: Node, found: dict[str, str | None]) -> str | None:
    """The layer that can absorb `norm`, found by walking up through removed layers that only it reads."""
    if len(norm.inputs) != 1 or any(weight.role == "input" for weight in norm.weights):
        return None
    position = graph.producers[graph.index[norm.name]][0]
    while True:
        if len(graph.consumers[position]) != 1:
            return None
        producer = graph.nodes[position]
        if producer.kind is NodeKind.LAYER and producer.type in FOLDING_HOSTS and is_weighted(producer):
            return producer.name if _has_channels_of(producer, norm) else None
        if producer.name not in found:
            return None
        position = graph.producers[position][0]


def _has_channels_of(host: Node, norm: Node) -> bool:
    """Whether the norm runs along the channels that the host computes: the last axis of a linear layer."""
    return norm.attributes.get("axis", 1) == channel_axis(host) % len(norm.outputs[0].shape)
