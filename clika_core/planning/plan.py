"""`make_plan`: graph, settings, target and measured sensitivity become one decision per layer.

own causes (float_only, unsupported, tail, rule, sensitivity) -> explicit False takes some away
-> groups -> inherited -> decisions, borders, rules without effect
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from clika_core.diagnostics import Diagnostic
from clika_core.frozen import frozen
from clika_core.ir.graph import Graph, Node
from clika_core.planning.borders import place_borders
from clika_core.planning.decision import Border, Cause, CauseKind, Decision, Group, Precision
from clika_core.planning.effects import rules_without_effect
from clika_core.planning.groups import form_groups
from clika_core.planning.inheritance import inherit
from clika_core.planning.own_causes import OwnCauses, own_causes
from clika_core.planning.selectors import SelectorIndex
from clika_core.planning.sensitivities import Sensitivity, sensitivities
from clika_core.planning.skip_rules import RuleReach, reach_of
from clika_core.planning.wiring import Wiring
from clika_core.settings.model import Settings
from clika_core.targets.target import Target


@frozen(slots=False)
class Plan:
    """One decision per layer of `graph`, the fused groups, and the borders between float and integers."""

    graph: Graph
    target: str
    decisions: tuple[Decision, ...]
    groups: Mapping[str, Group]
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
    """Decide every layer of `graph`. Linear in nodes and edges per rule.

    `sensitivity` maps layers to their measured QS. Raises SettingsError for rules that cannot be used.
    """
    reach = reach_of(settings.rules, SelectorIndex(graph))
    return decide(Wiring(graph), settings, target, reach, sensitivities(sensitivity or {}))


def decide(
    wiring: Wiring,
    settings: Settings,
    target: Target,
    reach: RuleReach,
    measured: Mapping[str, Sensitivity],
) -> Plan:
    """The plan of the rules in `reach`; of `settings` only the sections are read.

    For tools that compare several plans of one graph. Raises SettingsError for a tail of an unknown output.
    """
    graph = wiring.graph
    own = own_causes(wiring, settings, target, reach, measured)
    floats = {name for name, causes in own.causes.items() if causes}
    groups = form_groups(wiring, target, floats)
    inherited = inherit(wiring, groups, floats)
    decider = _Decider(wiring, own, groups, inherited, measured)
    decisions = tuple(decider(node) for node in graph.layers)
    return Plan(
        graph,
        target.name,
        decisions,
        groups,
        place_borders(wiring, floats),
        (*own.diagnostics, *rules_without_effect(wiring, reach, own, decisions)),
    )


class _Decider:
    """Makes the decision of one layer from what the steps found."""

    def __init__(
        self,
        wiring: Wiring,
        own: OwnCauses,
        groups: Mapping[str, Group],
        inherited: Mapping[str, tuple[str, ...]],
        measured: Mapping[str, Sensitivity],
    ) -> None:
        self._wiring, self._own, self._inherited, self._measured = wiring, own, inherited, measured
        self._group_of = {member: group.head for group in groups.values() for member in group.members}

    def __call__(self, node: Node) -> Decision:
        name = node.name
        if name in self._wiring.removed:
            host = self._wiring.removed[name]
            group = self._group_of[host] if host else None
            return Decision(name, Precision.REMOVED, group=group, into=host)
        causes = [*self._own.causes[name]]
        if name in self._inherited:
            causes.append(Cause(CauseKind.INHERITED, of=self._inherited[name]))
        bits = self._own.bits[name]
        measured = self._measured.get(name)
        return Decision(
            name,
            Precision.FLOAT if causes else Precision.QUANTIZED,
            tuple(sorted(causes, key=Cause.sort_key)),
            self._own.overridden[name],
            self._group_of[name],
            weights_num_bits=bits[0],
            activations_num_bits=bits[1],
            qs=measured.qs if measured else None,
        )


def _layer_to_json(node: Node, decision: Decision) -> dict[str, Any]:
    return {
        "name": node.name,
        "type": node.type,
        "path": node.path,
        **decision.to_json(),
        "qs": decision.qs,
    }
