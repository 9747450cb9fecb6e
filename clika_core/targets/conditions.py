"""Conditions that kernels share: each returns None where the layer fits, else the reason."""

from __future__ import annotations

from clika_core.ir.graph import Graph, Node


def global_pool(graph: Graph, node: Node) -> str | None:
    """An adaptive pool whose windows are all the same size, so that a plain or global pool computes it."""
    sizes = node.attributes.get("output_size")
    wanted = sizes if isinstance(sizes, tuple) else ()
    given = graph.value(node.inputs[0].key).example_shape[-len(wanted) or None :]
    if wanted and all(
        isinstance(w, int) and w > 0 and g % w == 0 for w, g in zip(wanted, given, strict=True)
    ):
        return None
    return f"output size {sizes} does not divide the input size {given}"


def mean_over_space(graph: Graph, node: Node) -> str | None:
    """A mean over all spatial axes of a [N, C, ...] value: a global average pool."""
    rank = len(graph.value(node.inputs[0].key).example_shape)
    if node.attributes.get("axes") == tuple(range(2, rank)) and rank > 2:
        return None
    return f"it averages axes {node.attributes.get('axes')}, not all spatial ones"


def zero_padding(_: Graph, node: Node) -> str | None:
    """Padding with zeros, or with values of the tensor itself."""
    mode, value = node.attributes.get("mode", "constant"), node.attributes.get("value", 0)
    return None if mode != "constant" or not value else f"it pads with {value}"


def float_operands(graph: Graph, node: Node) -> str | None:
    """Every operand is floating point."""
    integers = [port.role for port in node.inputs if not graph.value(port.key).is_float]
    return f"operand {integers[0]} is not floating point" if integers else None
