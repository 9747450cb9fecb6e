"""`plan` with a target by name: the planning engine over what the plugins registered."""

from __future__ import annotations

from collections.abc import Mapping

from clika_core.ir.graph import Graph
from clika_core.planning.plan import Plan, make_plan
from clika_core.planning.sensitivities import Sensitivity
from clika_core.plugins.registry import find_target
from clika_core.settings.model import Settings
from clika_core.targets.target import Target


def plan(
    graph: Graph,
    settings: Settings | None = None,
    *,
    target: str | Target | None = None,
    sensitivity: Mapping[str, float | Sensitivity | None] | None = None,
) -> Plan:
    """Decide every layer of `graph`: quantized, float or removed, with all causes.

    `target`: the argument, else `deployment_settings.target_framework`, else `ort`. `sensitivity` maps layers to
    measured QS; it is never measured here. Raises SettingsError for rules that cannot be used, TargetError for
    an unknown target.
    """
    settings = settings if settings is not None else Settings()
    chosen = find_target(target or settings.deployment_settings.target_framework or "ort")
    return make_plan(graph, settings, chosen, sensitivity)
