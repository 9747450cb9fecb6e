"""`initial_picture`: the traced graph, every layer still float."""

from __future__ import annotations

from clika_core.ir.graph import Graph, InputPort, Node, NodeKind
from clika_core.pictures.boxes import Box, endpoint_box, layer_section
from clika_core.pictures.caption import caption, counted
from clika_core.pictures.dot import DotEdge, DotGraph
from clika_core.pictures.facts import operand_word
from clika_core.pictures.layout import laid_out
from clika_core.pictures.palette import FLOWS, Flow, Role

_ROLES = (Role.INPUT, Role.OUTPUT, Role.FLOAT)


def initial_picture(graph: Graph) -> DotGraph:
    """`model_init`: one box per node of the graph, one arrow per input port."""
    boxes = [_box(graph, node) for node in graph]
    edges = [
        DotEdge(port.producer, node.name, edge_attributes(graph, node, port, value_flow(graph, port)))
        for node in graph
        for port in node.inputs
    ]
    numbers = (
        f"{counted(len(graph.layers), 'layer')}, {counted(len(graph.inputs), 'input')}, "
        f"{counted(len(graph.outputs), 'output')} — before any decision, every layer computes in float"
    )
    label = caption(graph, "as traced", numbers, _ROLES, (Flow.FLOAT, Flow.NOT_FLOAT))
    return laid_out(graph.name, label, [box.node() for box in boxes], edges)


def edge_attributes(graph: Graph, node: Node, port: InputPort, flow: Flow) -> dict[str, str]:
    """The look of a value's flow, with the output and the operand named where they could be confused."""
    outputs = len(graph[port.producer].outputs)
    words = [f"output {port.port}" if outputs > 1 else "", operand_word(node, port)]
    label = " as ".join(word for word in words if word)
    return {**FLOWS[flow], "label": f" {label} "} if label else dict(FLOWS[flow])


def value_flow(graph: Graph, port: InputPort) -> Flow:
    """What flows when nothing is quantized."""
    return Flow.FLOAT if graph.value(port.key).is_float else Flow.NOT_FLOAT


def _box(graph: Graph, node: Node) -> Box:
    if node.kind is not NodeKind.LAYER:
        return endpoint_box(graph, node)
    return Box(node.name, Role.FLOAT, (layer_section(graph, node, str(Role.FLOAT)),))
