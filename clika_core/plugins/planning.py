"""`plan` with a target by name: the planning engine over what the plugins registered."""

from __future__ import annotations

from collections.abc import Mapping

from clika_core.errors import SettingsError
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
    settings = checked_settings(settings)
    chosen = find_target(target or settings.deployment_settings.target_framework or "ort")
    grouped = chosen.with_weight_groups(settings.global_quantization_settings.weights_group_size)
    return make_plan(graph, settings, grouped, sensitivity)


def checked_settings(settings: Settings | None) -> Settings:
    """The settings, or the defaults for None. Raises SettingsError for anything else."""
    if settings is None:
        return Settings()
    if not isinstance(settings, Settings):
        raise SettingsError(
            "settings are a Settings object",
            found=repr(settings),
            fix="load a file first: clika_core.load_settings(path)",
        )
    return settings
