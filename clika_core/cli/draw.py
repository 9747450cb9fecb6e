"""`clika draw GRAPH -o picture.svg`."""

from __future__ import annotations

from pathlib import Path

import click

from clika_core.cli.planning_options import read_plan
from clika_core.errors import OutputError

_WRITERS = (".dot", ".svg")


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
    help="picture.dot or picture.svg.",
)
def command(
    graph: Path, settings: Path | None, target: str | None, sensitivity: Path | None, output: Path
) -> None:
    """Draw a graph. With settings, a target or a report: after preprocessing, with each layer's decision."""
    from clika_core.ir.snapshot import load_graph
    from clika_core.pictures.draw import initial_picture
    from clika_core.pictures.preprocessed import preprocessed_picture
    from clika_core.pictures.svg import render_svg
    from clika_core.pictures.write import replace_file

    if output.suffix not in _WRITERS:
        raise OutputError(
            f"cannot draw {output}", found=f"suffix {output.suffix!r}", expected=" or ".join(_WRITERS)
        )
    if settings or target or sensitivity:
        text = preprocessed_picture(read_plan(graph, settings, target, sensitivity)).render()
    else:
        text = initial_picture(load_graph(graph)).render()
    replace_file(output, text if output.suffix == ".dot" else render_svg(text))
    click.echo(str(output))
