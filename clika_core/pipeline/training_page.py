"""`report.html` and `clika_report.json` while a model trains: the curves of every epoch so far are added to them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clika_core.errors import MissingDependencyError
from clika_core.files import write_whole
from clika_core.pictures.preprocessed import preprocessed_picture
from clika_core.pictures.write import PREPROCESSED, write_pictures
from clika_core.pipeline.report import quantization_json, report_text
from clika_core.planning.plan import Plan
from clika_core.report_page.page import PAGE, render_page
from clika_core.settings.model import Settings
from clika_core.simulation.parameters import Parameters
from clika_core.simulation.visitor import Simulation
from clika_core.training.summary import History

REPORT = "clika_report.json"
RUN = "this training"


def renew_report(folder: Path, plan: Plan, history: History) -> None:
    """Write both anew in an output folder. A report that is not there, or cannot be read, is left alone.

    Raises OSError where a file cannot be written.
    """
    report = read_report(folder)
    if not report:
        return
    report["training"] = [{"name": RUN, "history": history.to_json()}]
    write_whole(folder / REPORT, report_text(report))
    try:
        write_whole(folder / PAGE, _page(folder, plan, report))
    except MissingDependencyError:
        return  # the report's notes say that there is no page


def renew_plan(folder: Path, settings: Settings, plan: Plan, values: Parameters, program: Simulation) -> None:
    """Write what another plan decides into the report, and draw it. What was measured of the model still holds.

    Of a layer with other parameters the share of codes used is no longer known. Raises OSError and OutputError where
    a file cannot be written.
    """
    report = read_report(folder)
    if not report:
        return
    former = {layer["name"]: layer for layer in report["layers"]}
    report["layers"] = []
    for decision in plan.decisions:
        layer = former[decision.name] | decision.to_json()
        found = quantization_json(plan, values, program, plan.graph[decision.name], decision)
        if found != layer["quantization"]:
            layer |= {"quantization": found, "share_of_codes_used": None}
        report["layers"].append(layer)
    report["target"] = plan.target
    report["settings"] = settings.to_json()
    report["borders"] = [border.to_json() for border in plan.borders]
    report["diagnostics"] = [d.to_json() for d in (*plan.graph.diagnostics, *plan.diagnostics)]
    write_whole(folder / REPORT, report_text(report))
    write_pictures(folder, plan.graph, plan)


def read_report(folder: Path) -> dict[str, Any]:
    """What `clika_report.json` in an output folder holds; nothing where it is missing or no report."""
    try:
        found = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _page(folder: Path, plan: Plan, report: Mapping[str, Any]) -> str:
    picture = folder / f"{PREPROCESSED}.svg"
    svg = picture.read_text(encoding="utf-8") if picture.is_file() else None
    return render_page(plan.graph, preprocessed_picture(plan), svg, plan=plan, report=report)
