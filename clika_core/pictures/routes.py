"""Where values come from once layers are removed: which value an operand really is, behind which border."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from clika_core.ir.graph import InputPort, Node, ValueKey
from clika_core.planning.decision import Border

if TYPE_CHECKING:
    from clika_core.planning.plan import Plan


@dataclass(frozen=True, slots=True)
class Route:
    """How an operand reaches its reader: the value `source` of a node that stays, through `border` if any."""

    source: ValueKey
    border: Border | None


class Routes:
    """The routes of a plan; removed layers are looked through."""

    def __init__(self, plan: Plan) -> None:
        """Follow every removed layer to the value it passes on, in one pass over the graph."""
        self.removed = plan.removed
        self._origin: dict[str, ValueKey] = {}
        for node in plan.graph.layers:
            if node.name in self.removed:
                self._origin[node.name] = self.source(node.inputs[0])
        self._borders = {(border.producer, border.port): border for border in plan.borders}
        self._readers = {border.name: frozenset(border.consumers) for border in plan.borders}

    def source(self, port: InputPort) -> ValueKey:
        """The value read at `port`, of a layer that stays or of a graph input."""
        return self._origin.get(port.producer, port.key)

    def route(self, reader: Node, port: InputPort) -> Route:
        """How the operand at `port` reaches `reader`."""
        source = self.source(port)
        border = self._borders.get(source)
        is_behind = border is not None and reader.name in self._readers[border.name]
        return Route(source, border if is_behind else None)
