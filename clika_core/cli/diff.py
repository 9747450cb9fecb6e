"""`clika diff A B`: what two settings files, reports or graphs decide differently."""

from __future__ import annotations

import json
from pathlib import Path

import click

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command(epilog="Example: clika diff old.yaml new.yaml --graph model.graph.json")
@click.argument("before", type=_FILE)
@click.argument("after", type=_FILE)
@click.option(
    "--graph", type=_FILE, help="The graph of two settings files; default: a `# clika: graph=` comment."
)
@click.option("-s", "--settings", type=_FILE, help="Settings under which two graphs are planned.")
@click.option("--target", help="Deployment target; default: the settings', else ort.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 where something differs.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(
    before: Path,
    after: Path,
    graph: Path | None,
    settings: Path | None,
    target: str | None,
    exit_code: bool,
    form: str,
) -> int:
    """Compare two settings files, two reports or two graphs.

    Shows the layers that flipped and why, QS that moved by more than a tenth, and what became of
    multiply-accumulates and bytes of weights.
    """
    from clika_core.planning.diff import differences
    from clika_core.planning.diff_sides import read_sides
    from clika_core.planning.diff_text import lines_of
    from clika_core.plugins.planning import plan

    sides = read_sides(
        before, after, graph, settings, lambda found, chosen: plan(found, chosen, target=target)
    )
    found = differences(*sides)
    click.echo(json.dumps(found.to_json(), indent=1) if form == "json" else "\n".join(lines_of(found)))
    return 1 if exit_code and not found.is_empty else 0
