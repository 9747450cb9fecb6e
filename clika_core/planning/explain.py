"""Why a layer is float or quantized, what would be without each rule, and what would quantize it; in sentences.

Every "without" and every advice is a plan that was made, not a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clika_core.errors import SettingsError
from clika_core.frozen import frozen
from clika_core.planning.decision import CauseKind, Decision, Precision
from clika_core.planning.plan import Plan
from clika_core.planning.planner import Measured, Planner
from clika_core.planning.variants import keeping, without_rule
from clika_core.settings.model import Settings

MAX_LAYERS_TO_KEEP = 20  # in one piece of advice
_OVERRIDABLE = (CauseKind.TAIL, CauseKind.RULE, CauseKind.SENSITIVITY)


@frozen
class Explanation:
    """What there is to say of one layer.

    `without` maps selectors of rules that reach the layer to its precision without that rule, None where the other
    rules would then contradict each other. `keep` lists the layers on which an explicit
    `skip_quantization: false` quantizes this one; None where nothing that settings can say does.
    """

    layer: str
    type: str
    path: str | None
    target: str
    decision: Decision
    members: tuple[str, ...]
    without: Mapping[str, Precision | None]
    keep: tuple[str, ...] | None
    other_targets: tuple[str, ...] = ()

    def sentences(self) -> list[str]:
        """The explanation, a sentence per line."""
        from clika_core.planning.sentences import about_layer

        return about_layer(self)

    def to_json(self) -> dict[str, Any]:
        """The form of `clika explain --format json`."""
        decision = self.decision.to_json()
        return {
            "layer": self.layer,
            "type": self.type,
            "path": self.path,
            "target": self.target,
            **{key: decision[key] for key in ("precision", "group", "into", "causes", "overridden")},
            "without": {rule: str(kind) if kind else None for rule, kind in self.without.items()},
            "to_quantize": None if self.keep is None else list(self.keep),
            "other_targets": list(self.other_targets),
            "sentences": self.sentences(),
        }


def explain_layer(
    planner: Planner,
    settings: Settings,
    layer: str,
    sensitivity: Measured | None = None,
    others: Mapping[str, Planner] | None = None,
) -> Explanation:
    """Explain the decision on `layer`.

    `others` are planners of the graph for other targets, by name: those that have a kernel are named where this
    target has none. Raises SettingsError for rules that cannot be used, GraphError for an unknown layer.
    """
    plan = planner.plan(settings, sensitivity)
    decision = plan[layer]
    node = planner.graph[layer]
    group = plan.groups.get(decision.group or "")
    return Explanation(
        layer,
        node.type,
        node.path,
        plan.target,
        decision,
        () if group is None else group.members,
        _without_rules(planner, settings, decision, sensitivity),
        _layers_to_keep(planner, settings, plan, layer, sensitivity),
        _other_targets(decision, layer, others or {}),
    )


def _without_rules(
    planner: Planner, settings: Settings, decision: Decision, sensitivity: Measured | None
) -> dict[str, Precision | None]:
    selectors = {c.selector: None for c in (*decision.causes, *decision.overridden) if c.selector is not None}
    if decision.overridden:
        selectors |= dict.fromkeys(keeping_rules(planner, settings, decision.name))
    found: dict[str, Precision | None] = {}
    for selector in selectors:
        try:
            plan = planner.plan(without_rule(settings, selector), sensitivity)
            found[selector] = plan[decision.name].precision
        except SettingsError:
            found[selector] = None
    return found


def keeping_rules(planner: Planner, settings: Settings, layer: str) -> list[str]:
    """The selectors of rules that say `skip_quantization: false` of a layer."""
    position = planner.graph.index[layer]
    return [
        rule.selector
        for rule in settings.rules
        if rule.settings.skip_quantization is False and position in planner.index.match(rule.selector)
    ]


def _layers_to_keep(
    planner: Planner, settings: Settings, plan: Plan, layer: str, sensitivity: Measured | None
) -> tuple[str, ...] | None:
    """Layers on which an explicit False, taken together, quantizes `layer`: itself, and those it follows."""
    decision = plan[layer]
    keep: dict[str, None] = {}
    while decision.precision is Precision.FLOAT:
        new = _in_the_way(plan, layer, keep)
        if not new or len(keep) + len(new) > MAX_LAYERS_TO_KEEP:
            return None
        keep.update(dict.fromkeys(new))
        try:
            plan = planner.plan(keeping(settings, keep), sensitivity)
        except SettingsError:
            return None
        decision = plan[layer]
    return tuple(keep)


def _in_the_way(plan: Plan, layer: str, kept: Mapping[str, None]) -> list[str]:
    """Layers with a cause that an explicit False takes away: `layer`, else those it inherits from."""
    found: list[str] = []
    seen, waiting = {layer}, [layer]
    while waiting:
        decision = plan[waiting.pop()]
        kinds = {cause.kind for cause in decision.causes}
        if kinds & {CauseKind.FLOAT_ONLY, CauseKind.UNSUPPORTED}:
            return []
        if kinds & {*_OVERRIDABLE} and decision.name not in kept:
            found.append(decision.name)
        for cause in decision.causes:
            if cause.kind is CauseKind.INHERITED:
                givers = [name for name in cause.of if name not in seen and name in plan]
                seen.update(givers)
                waiting += givers
    return found


def _other_targets(decision: Decision, layer: str, others: Mapping[str, Planner]) -> tuple[str, ...]:
    if not any(cause.kind is CauseKind.UNSUPPORTED for cause in decision.causes):
        return ()
    bits = decision.weights_num_bits, decision.activations_num_bits
    return tuple(
        name
        for name, planner in others.items()
        if planner.target.support(planner.graph, planner.graph[layer], *bits) is None
    )
