"""What the report says of layers as the plan decides them: for rules about sensitivity and calibration."""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.errors import SettingsError
from clika_core.planning.decision import Decision, Group, Precision
from clika_core.planning.selectors import Specificity
from clika_core.settings.source import Span
from clika_linter.context import Context
from clika_linter.report import LayerReport


def group_heads(context: Context) -> Iterator[tuple[Decision, LayerReport]]:
    """The head of every group with what the report says of it: a group has one QS, which its head carries."""
    layers = context.report.layers
    for decision in context.plan.decisions:
        if decision.name in context.plan.groups:
            yield decision, layers.get(decision.name) or LayerReport(decision.name)


def quantized_heads(context: Context) -> Iterator[tuple[Decision, LayerReport]]:
    """Those of groups that the plan quantizes."""
    return (pair for pair in group_heads(context) if pair[0].precision is Precision.QUANTIZED)


def quantized_groups(context: Context) -> Iterator[Group]:
    """The groups that the plan quantizes, in trace order."""
    for decision in context.plan.decisions:
        group = context.plan.groups.get(decision.name)
        if group is not None and decision.precision is Precision.QUANTIZED:
            yield group


def span_of_layer(context: Context, layer: str) -> Span | None:
    """The rule that says whether a layer is skipped, else one written with its name; None for neither."""
    winner = context.reach.fields["skip_quantization"].get(context.graph.index[layer])
    if winner is not None:
        return context.span_of(context.reach.rules[winner.rule])
    place = context.places.rules.get(layer)
    return place.selector_span if place else None


def selector_for(context: Context, layer: str) -> str:
    """How to name one layer in a rule: as the rule does that names it already, else by its name."""
    position = context.graph.index[layer]
    winner = context.reach.fields["skip_quantization"].get(position)
    if winner is not None:
        rule = context.reach.rules[winner.rule]
        if rule.matches == {position: Specificity.NAME}:
            return rule.rule.selector
    try:
        context.index.match(layer)
    except SettingsError:  # a module path of other layers is spelled alike
        return f"name:{layer}"
    return layer
