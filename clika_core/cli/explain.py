"""`clika explain GRAPH LAYER`: why a layer is float or quantized; `--rule`: what a rule does and costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clika_core.cli.planning_options import read_question
from clika_core.errors import SettingsError

if TYPE_CHECKING:
    from clika_core.planning.explain import Explanation
    from clika_core.planning.explain_rule import RuleExplanation

MAX_LAYERS = 50


@click.command(epilog="Example: clika explain model.graph.json conv_1 -s settings.yaml")
@click.argument("graph", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("layer")
@click.option("--rule", "is_rule", is_flag=True, help="LAYER is the selector of a rule: explain that.")
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
    graph: Path,
    layer: str,
    is_rule: bool,
    settings: Path | None,
    target: str | None,
    sensitivity: Path | None,
    form: str,
) -> None:
    """Explain in sentences why LAYER is float or quantized.

    LAYER is a name, an alias, a path or another selector of layers. Where it is the selector of a rule and no
    layer's name, the rule is explained: what it covers, what it alone covers, what it costs.
    """
    found = _explain(graph, layer, is_rule, settings, target, sensitivity)
    if form == "json":
        shown: Any = [explanation.to_json() for explanation in found]
        click.echo(json.dumps(shown[0] if len(shown) == 1 else shown, indent=1))
        return
    click.echo("\n\n".join("\n".join(explanation.sentences()) for explanation in found))


def _explain(
    graph: Path,
    layer: str,
    is_rule: bool,
    settings: Path | None,
    target: str | None,
    sensitivity: Path | None,
) -> list[Explanation | RuleExplanation]:
    from clika_core.planning.explain import explain_layer
    from clika_core.planning.explain_rule import explain_rule
    from clika_core.planning.planner import Planner
    from clika_core.plugins.registry import targets

    planner, chosen, measured = read_question(graph, settings, target, sensitivity)
    is_selector = any(rule.selector == layer for rule in chosen.rules)
    if is_rule or (is_selector and layer not in planner.graph):
        return [explain_rule(planner, chosen, layer, measured)]
    matches = planner.index.match(layer)
    if not matches:
        close = planner.index.suggestions(layer)
        raise SettingsError(
            f"no layer matches {layer!r}",
            expected="a layer's name, alias or path, a glob, op:<type>, or the selector of a rule",
            fix=f"did you mean {' or '.join(map(repr, close))}?"
            if close
            else "see the names with `clika plan`",
        )
    if len(matches) > MAX_LAYERS:
        raise SettingsError(
            f"{layer!r} matches {len(matches)} layers",
            expected=f"at most {MAX_LAYERS}, one paragraph each",
            fix="name fewer, or see all decisions with `clika plan`",
        )
    others = {
        name: Planner(planner.graph, other)
        for name, other in targets().items()
        if name != planner.target.name
    }
    names = [planner.graph.nodes[position].name for position in sorted(matches)]
    return [explain_layer(planner, chosen, name, measured, others) for name in names]
