"""`Plan`: one decision per layer. `make_plan` makes one; `planner` makes many of one graph."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from clika_core.diagnostics import Diagnostic
from clika_core.frozen import frozen
from clika_core.ir.graph import Graph, Node
from clika_core.planning.decision import Border, Decision, Group, Precision
from clika_core.planning.sensitivities import Sensitivity
from clika_core.settings.model import Settings
from clika_core.targets.target import Target


@frozen(slots=False)
class Plan:
    """One decision per layer of `graph`, the fused groups, and the borders between float and integers."""

    graph: Graph
    target: str
    decisions: tuple[Decision, ...]
    borders: tuple[Border, ...]
    diagnostics: tuple[Diagnostic, ...] = ()

    @cached_property
    def _by_name(self) -> Mapping[str, Decision]:
        return {decision.name: decision for decision in self.decisions}

    def __getitem__(self, layer: str) -> Decision:
        """The decision on a layer; raises GraphError with the nearest names for an unknown one."""
        found = self._by_name.get(layer)
        if found is None:
            self.graph[layer]
            raise KeyError(f"{layer!r} is a graph input or output, not a layer")
        return found

    def __contains__(self, layer: object) -> bool:
        """Whether there is a decision on a layer of that name."""
        return layer in self._by_name

    @cached_property
    def groups(self) -> Mapping[str, Group]:
        """Every layer that stays, in exactly one group, by the group's head and in trace order."""
        members: dict[str, list[str]] = {}
        for decision in self.decisions:
            if decision.group is not None and decision.precision is not Precision.REMOVED:
                members.setdefault(decision.group, []).append(decision.name)
        return {head: Group(head, tuple(names)) for head, names in members.items()}

    @property
    def skipped(self) -> tuple[str, ...]:
        """The layers that stay float, in trace order."""
        return tuple(d.name for d in self.decisions if d.precision is Precision.FLOAT)

    @property
    def quantized(self) -> tuple[str, ...]:
        """The layers that become integer, in trace order."""
        return tuple(d.name for d in self.decisions if d.precision is Precision.QUANTIZED)

    @property
    def removed(self) -> Mapping[str, str | None]:
        """The layers preprocessing takes out, with the layer that absorbs each, or None."""
        return {d.name: d.into for d in self.decisions if d.precision is Precision.REMOVED}

    def to_json(self) -> dict[str, Any]:
        """The form of `clika plan --format json`."""
        return {
            "graph": self.graph.fingerprint,
            "target": self.target,
            "layers": [_layer_to_json(self.graph[d.name], d) for d in self.decisions],
            "borders": [border.to_json() for border in self.borders],
            "diagnostics": [diagnostic.to_json() for diagnostic in self.diagnostics],
        }


def make_plan(
    graph: Graph,
    settings: Settings,
    target: Target,
    sensitivity: Mapping[str, float | Sensitivity | None] | None = None,
) -> Plan:
    """Decide every layer of `graph`. Linear in nodes and edges; for several plans of one graph make a `Planner`.

    `sensitivity` maps layers to their measured QS. Raises SettingsError for rules that cannot be used.
    """
    from clika_core.planning.planner import Planner  # it makes what is defined here

    return Planner(graph, target).plan(settings, sensitivity)


def _layer_to_json(node: Node, decision: Decision) -> dict[str, Any]:
    return {
        "name": node.name,
        "type": node.type,
        "path": node.path,
        "precision": str(decision.precision),
        "group": decision.group,
        "causes": [cause.to_json() for cause in decision.causes],
        "overridden": [cause.to_json() for cause in decision.overridden],
        "qs": decision.qs,
    }
