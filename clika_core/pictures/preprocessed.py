"""`preprocessed_picture`: the graph that will run, with decisions, borders and sensitivity.

Removed layers are gone; the layer they were folded into, or that they stood behind, names them. Layers that
the target fuses share one box.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from clika_core.ir.graph import InputPort, Node, NodeKind
from clika_core.pictures.borders import border_edge, border_ids, border_node
from clika_core.pictures.boxes import Box, endpoint_box, layer_section
from clika_core.pictures.caption import caption, counted
from clika_core.pictures.dot import DotEdge, DotGraph
from clika_core.pictures.draw import edge_attributes, value_flow
from clika_core.pictures.fitting import named, wrapped
from clika_core.pictures.layout import laid_out
from clika_core.pictures.palette import Flow, Role
from clika_core.pictures.reasons import verdict_lines
from clika_core.pictures.routes import Routes
from clika_core.planning.decision import BorderKind, Precision

if TYPE_CHECKING:
    from clika_core.planning.plan import Plan

_ROLES = {Precision.QUANTIZED: Role.QUANTIZED, Precision.FLOAT: Role.FLOAT}


def preprocessed_picture(plan: Plan) -> DotGraph:
    """`model_post_preprocessing`: a box per fused group, a small box per border, an arrow per operand."""
    return _Drawing(plan).picture()


class _Drawing:
    """What drawing one plan needs to look up."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._graph = plan.graph
        self._routes = Routes(plan)
        self._box_of = {name: group.head for group in plan.groups.values() for name in group.members}
        self._borders = border_ids(plan.borders, {node.name for node in plan.graph})
        self._notes = _removal_notes(plan, self._routes)

    def picture(self) -> DotGraph:
        boxes = [box.node() for box in self._boxes()]
        borders = [border_node(self._borders[border.name], border) for border in self._plan.borders]
        subject = f"after preprocessing, for {self._plan.target}"
        label = caption(self._graph, subject, _numbers(self._plan), tuple(Role), Flow)
        edges = [*self._edges(), *self._edges_to_borders()]
        return laid_out(self._graph.name, label, [*boxes, *borders], edges)

    def _boxes(self) -> Iterator[Box]:
        """In trace order; a group stands where its head does."""
        for node in self._graph:
            if node.kind is not NodeKind.LAYER:
                yield endpoint_box(self._graph, node, self._notes.get(node.name, ()))
            elif node.name in self._plan.groups:
                yield self._group_box(node)

    def _group_box(self, head: Node) -> Box:
        members = [self._graph[name] for name in self._plan.groups[head.name].members]
        decisions = [self._plan[member.name] for member in members]
        sections = tuple(
            layer_section(
                self._graph,
                member,
                str(decision.precision) if member is head else f"fused into {head.name}",
                self._notes.get(member.name, ()),
            )
            for member, decision in zip(members, decisions, strict=True)
        )
        verdict = verdict_lines(self._graph, decisions, self._plan.target)
        return Box(head.name, _ROLES[decisions[0].precision], sections, tuple(verdict))

    def _edges(self) -> Iterator[DotEdge]:
        """One arrow per operand that comes from outside the reader's box."""
        for node in self._graph:
            if node.name in self._routes.removed:
                continue
            for port in node.inputs:
                edge = self._edge(node, port)
                if edge.tail != edge.head:
                    yield edge

    def _edge(self, node: Node, port: InputPort) -> DotEdge:
        route = self._routes.route(node, port)
        head = self._box_of.get(node.name, node.name)
        real = InputPort(*route.source, port.role)
        if route.border is not None:
            is_integer = route.border.kind is BorderKind.QUANTIZE
            flow = Flow.INTEGER_GRID if is_integer else Flow.FLOAT
            tail = self._borders[route.border.name]
        else:
            flow = self._flow(real)
            tail = self._box_of.get(real.producer, real.producer)
        return DotEdge(tail, head, edge_attributes(self._graph, node, real, flow))

    def _edges_to_borders(self) -> Iterator[DotEdge]:
        for border in self._plan.borders:
            tail = self._box_of.get(border.producer, border.producer)
            yield border_edge(tail, self._borders[border.name], border)

    def _flow(self, port: InputPort) -> Flow:
        """What flows out of a node where no border stands."""
        is_layer = self._graph[port.producer].kind is NodeKind.LAYER
        is_integer = is_layer and self._plan[port.producer].precision is Precision.QUANTIZED
        flow = value_flow(self._graph, port)
        return Flow.INTEGER_GRID if is_integer and flow is Flow.FLOAT else flow


def _removal_notes(plan: Plan, routes: Routes) -> dict[str, tuple[str, ...]]:
    """By layer that stays: what was folded into it, and what was removed behind it."""
    folded: dict[str, list[str]] = {}
    removed: dict[str, list[str]] = {}
    for name, host in plan.removed.items():
        if host:
            folded.setdefault(host, []).append(name)
        else:
            removed.setdefault(routes.source(plan.graph[name].inputs[0])[0], []).append(name)
    return {
        name: (
            *(f"+ {line}" for line in _wrapped_names(folded.get(name), "folded into the weights")),
            *_wrapped_names(removed.get(name), "removed behind it"),
        )
        for name in {**folded, **removed}
    }


def _wrapped_names(names: list[str] | None, words: str) -> list[str]:
    return wrapped(f"{named(names)} {words}") if names else []


def _numbers(plan: Plan) -> str:
    count = Counter(decision.precision for decision in plan.decisions)
    parts = [f"{count[precision]} {precision}" for precision in Precision if count[precision]]
    layers = f"{counted(len(plan.decisions), 'layer')}: {', '.join(parts)}"
    return f"{layers} — {counted(len(plan.borders), 'border')} between float and integers"
