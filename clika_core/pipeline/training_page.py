"""`report.html` and `clika_report.json` while a model trains: the curves of every epoch so far are added to them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clika_core.errors import MissingDependencyError
from clika_core.files import write_whole
from clika_core.pictures.preprocessed import preprocessed_picture
from clika_core.pictures.write import PREPROCESSED
from clika_core.pipeline.report import report_text
from clika_core.planning.plan import Plan
from clika_core.report_page.page import PAGE, render_page
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
