"""`clika draw GRAPH -o picture.svg`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from clika_core.cli.planning_options import read_plan
from clika_core.errors import OutputError

if TYPE_CHECKING:
    from clika_core.ir.graph import Graph
    from clika_core.pictures.dot import DotGraph
    from clika_core.planning.plan import Plan

_SUFFIXES = (".dot", ".svg", ".html")


@click.command(epilog="Example: clika draw model.graph.json -s settings.yaml -o picture.svg")
@click.argument("graph", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "-s",
    "--settings",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Settings file: draws the graph after preprocessing, with decisions.",
)
@click.option("--target", help="Deployment target; default: the settings', else ort.")
@click.option(
    "--sensitivity",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A clika_report.json with measured QS.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="picture.dot, picture.svg, or picture.html: a page to zoom and search in.",
)
def command(
    graph: Path, settings: Path | None, target: str | None, sensitivity: Path | None, output: Path
) -> None:
    """Draw a graph. With settings, a target or a report: after preprocessing, with each layer's decision."""
    from clika_core.ir.snapshot import load_graph
    from clika_core.pictures.draw import initial_picture
    from clika_core.pictures.preprocessed import preprocessed_picture
    from clika_core.pictures.write import replace_file

    if output.suffix not in _SUFFIXES:
        raise OutputError(
            f"cannot draw {output}", found=f"suffix {output.suffix!r}", expected=" or ".join(_SUFFIXES)
        )
    plan = read_plan(graph, settings, target, sensitivity) if settings or target or sensitivity else None
    drawn = plan.graph if plan else load_graph(graph)
    picture = preprocessed_picture(plan) if plan else initial_picture(drawn)
    replace_file(output, _text(output.suffix, drawn, plan, picture))
    click.echo(str(output))


def _text(suffix: str, graph: Graph, plan: Plan | None, picture: DotGraph) -> str:
    """The picture in the form that the suffix asks for."""
    text = picture.render()
    if suffix == ".dot":
        return text
    from clika_core.pictures.svg import render_svg

    svg = render_svg(text)
    if suffix == ".svg":
        return svg
    from clika_core.report_page.page import render_page

    return render_page(graph, picture, svg, plan=plan)
