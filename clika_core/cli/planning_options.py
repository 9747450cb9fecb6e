"""What `plan`, `draw`, `explain` and `diff` share: reading graph, settings and a report, and planning."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from clika_core.ir.graph import Graph
from clika_core.ir.snapshot import load_graph
from clika_core.planning.plan import Plan
from clika_core.planning.sensitivities import Sensitivity
from clika_core.plugins.planning import plan
from clika_core.settings.load import load_settings
from clika_core.settings.model import Settings

if TYPE_CHECKING:
    from clika_core.planning.planner import Planner


def read_plan(graph: Path, settings: Path | None, target: str | None, sensitivity: Path | None) -> Plan:
    """The plan of a graph file under a settings file, with QS from a report where one is given."""
    loaded = load_graph(graph)
    chosen = Settings() if settings is None else load_settings(settings)
    measured = None if sensitivity is None else _measured(sensitivity, loaded)
    return plan(loaded, chosen, target=target, sensitivity=measured)


def read_question(
    graph: Path, settings: Path | None, target: str | None, sensitivity: Path | None
) -> tuple[Planner, Settings, dict[str, Sensitivity]]:
    """The same files, for commands that make several plans of one graph."""
    from clika_core.planning.planner import Planner
    from clika_core.plugins.registry import find_target

    loaded = load_graph(graph)
    chosen = Settings() if settings is None else load_settings(settings)
    found = find_target(target or chosen.deployment_settings.target_framework)
    grouped = found.with_weight_groups(chosen.global_quantization_settings.weights_group_size)
    return Planner(loaded, grouped), chosen, {} if sensitivity is None else _measured(sensitivity, loaded)


def _measured(path: Path, graph: Graph) -> dict[str, Sensitivity]:
    from clika_core.planning.report_file import read_sensitivities

    return read_sensitivities(path, graph)
