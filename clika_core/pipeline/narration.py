"""What the log tells of a run: layers as they were parsed, settings in force, what is skipped and why, counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from clika_core.ir.graph import Graph, Node, NodeKind
from clika_core.pipeline.environment import cpu_flags, versions
from clika_core.planning.decision import CauseKind, Precision
from clika_core.planning.plan import Plan
from clika_core.planning.wording import describe
from clika_core.settings.model import Settings
from clika_core.settings.save import yaml_text


def environment_lines(seed: int, device: str | None) -> Iterator[str]:
    """Versions, processor, seed and device."""
    yield "environment: " + ", ".join(f"{name} {version}" for name, version in versions().items())
    yield f"processor flags: {' '.join(cpu_flags()) or 'unknown'}"
    yield f"seed {seed}, device {device or 'where the model is'}"


def settings_lines(settings: Settings) -> Iterator[str]:
    """The settings in force, as a settings file."""
    yield "settings in force:"
    yield from (f"  {line}" for line in yaml_text(settings).splitlines())


def parsing_lines(graph: Graph) -> Iterator[str]:
    """The part "parsing layers": every traced node by its framework's name, and the name it has from now on."""
    yield f"parsing layers of {graph.name} ({graph.backend} {graph.framework_version}):"
    for number, node in enumerate(graph.nodes, start=1):
        yield f"{number}/{len(graph.nodes)}. Parsing node: '{_framework_name(node)}'"
        yield f"    Parsed to -> '{node.name}'"
    kinds = Counter(node.type for node in graph.layers)
    yield f"{len(graph.layers)} layers: " + ", ".join(
        f"{count} {kind}" for kind, count in kinds.most_common()
    )
    yield from map(str, graph.diagnostics)


def plan_lines(plan: Plan) -> Iterator[str]:
    """The tail of every output, every layer that stays float with its causes, what is removed, and counts."""
    for output, layers in _tails(plan).items():
        yield f"tail of {output}: {', '.join(layers)}"
    for decision in plan.decisions:
        if decision.precision is Precision.FLOAT:
            yield f"skipped: {decision.name}: {'; '.join(map(describe, decision.causes))}"
        elif decision.precision is Precision.REMOVED:
            yield f"removed: {decision.name}: {f'folded into {decision.into}' if decision.into else 'does nothing'}"
    yield counts(plan)
    yield from map(str, plan.diagnostics)


def counts(plan: Plan) -> str:
    """How many layers there are, and how many are quantized."""
    return (
        f"{len(plan.decisions)} layers: {len(plan.quantized)} quantized, {len(plan.skipped)} float, "
        f"{len(plan.removed)} removed; target {plan.target}"
    )


def _tails(plan: Plan) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for decision in plan.decisions:
        for cause in (*decision.causes, *decision.overridden):
            for output in cause.of if cause.kind is CauseKind.TAIL else ():
                found.setdefault(output, []).append(decision.name)
    return found


def _framework_name(node: Node) -> str:
    """The framework's own name of the node; an input or output is named by its place in the call or result."""
    if node.kind is NodeKind.LAYER:
        return node.aliases[-1] if node.aliases else node.name
    return node.aliases[0] if node.aliases else node.name
