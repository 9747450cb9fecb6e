"""`render_page`: a graph, its plan and a report become one HTML file that needs nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from clika_core import __version__
from clika_core.errors import MissingDependencyError
from clika_core.ir.graph import Graph
from clika_core.pictures.dot import DotGraph
from clika_core.report_page.curves import chart_data, charts
from clika_core.report_page.dark import dark_rules
from clika_core.report_page.embedding import policy, scripts, styles
from clika_core.report_page.figure import figure
from clika_core.report_page.rows import layer_rows
from clika_core.report_page.shown import printable, significant
from clika_core.report_page.summary import cards, models, outputs_table, settings_pairs

if TYPE_CHECKING:
    import jinja2

    from clika_core.planning.plan import Plan

PAGE: Final = "report.html"
_TEMPLATE: Final = "page.html.jinja"


def render_page(
    graph: Graph,
    picture: DotGraph,
    svg: str | None,
    *,
    plan: Plan | None = None,
    report: Mapping[str, Any] | None = None,
    note: str | None = None,
) -> str:
    """The page's text. `svg` is what graphviz made of `picture`; where it is None, `note` says why.

    Without a plan the page shows the traced graph, without a report nothing measured. Raises
    MissingDependencyError where Jinja2 is not installed.
    """
    known = report or {}
    shown = figure(svg, picture, plan, note)
    used = scripts()
    rows = layer_rows(graph, plan, known, shown)
    return _template().render(
        policy=policy(used),
        scripts=[script.text for script in used],
        styles=[*styles(), f"@media screen and (prefers-color-scheme: dark) {{\n{dark_rules()}\n}}"],
        data=_data(plan, known, rows),
        figure=shown,
        cards=cards(graph, plan, known),
        models=models(known),
        curves=charts(known),
        outputs=outputs_table(known),
        settings=settings_pairs(known.get("settings", {})),
        graph=graph,
        origin=f" from {graph.backend}" if graph.backend else "",
        plan=plan,
        report=printable(known),
        version=__version__,
        types=sorted({row["type"] for row in rows}),
    )


def _data(plan: Plan | None, report: Mapping[str, Any], rows: list[dict[str, Any]]) -> str:
    """What the scripts read, as JSON in which no character means anything to HTML."""
    settings = report.get("settings", {}).get("global_quantization_settings", {})
    data = {
        "layers": rows,
        "has_decisions": plan is not None,
        "has_sensitivity": any(row["qs"] is not None for row in rows),
        "training": chart_data(report),
        "threshold": settings.get("quantization_sensitivity_threshold"),
    }
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.translate({ord(char): f"\\u{ord(char):04x}" for char in "<>&"})


def _template() -> jinja2.Template:
    try:
        from jinja2 import Environment, FileSystemLoader
    except ImportError:
        raise MissingDependencyError(
            "Jinja2 is needed to write a page", fix='pip install "clika-core[pictures]"'
        ) from None
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "assets"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    environment.filters["significant"] = significant
    return environment.get_template(_TEMPLATE)


def _visible(value: Any) -> Any:
    """Characters that do not print as their codes, in every text that the template writes."""
    return printable(value) if type(value) is str else value
