"""`clika plan GRAPH`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from clika_core.cli.planning_options import read_plan
from clika_core.planning.decision import Decision, Precision
from clika_core.planning.plan import Plan
from clika_core.planning.wording import describe


@click.command(epilog="Example: clika plan model.graph.json -s settings.yaml --target ort")
@click.argument("graph", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "-s", "--settings", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Settings file."
)
@click.option("--target", help="Deployment target; default: the settings', else ort.")
@click.option(
    "--sensitivity",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A clika_report.json with measured QS.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(
    graph: Path, settings: Path | None, target: str | None, sensitivity: Path | None, form: str
) -> None:
    """Show each layer's decision and its causes."""
    plan = read_plan(graph, settings, target, sensitivity)
    if form == "json":
        click.echo(json.dumps(plan.to_json(), indent=1))
        return
    for line in lines(plan):
        click.echo(line)
    for diagnostic in plan.diagnostics:
        click.echo(str(diagnostic), err=True)


def lines(plan: Plan) -> list[str]:
    """The plan as a table: name, type, precision, causes; then a summary."""
    rows = [(d.name, plan.graph[d.name].type, str(d.precision), _why(d)) for d in plan.decisions]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    table = ["  ".join([*(row[i].ljust(widths[i]) for i in range(3)), row[3]]).rstrip() for row in rows]
    counts = {kind: sum(d.precision is kind for d in plan.decisions) for kind in Precision}
    summary = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    return [*table, "", f"target {plan.target}: {summary}; {len(plan.borders)} borders"]


def _why(decision: Decision) -> str:
    if decision.precision is Precision.REMOVED:
        return f"folded into {decision.into}" if decision.into else "nothing to do in inference"
    parts = [describe(cause) for cause in decision.causes]
    parts += [f"overridden: {describe(cause)}" for cause in decision.overridden]
    if decision.group and decision.group != decision.name and decision.precision is Precision.QUANTIZED:
        parts.append(f"fused into {decision.group}")
    return "; ".join(parts)
