"""Who sets bits, for which layers; and whether a target lacks a layer, or only the bits asked of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from clika_core.frozen import replace
from clika_core.ir.graph import Graph, Node
from clika_core.planning.decision import CauseKind
from clika_core.settings.source import Span
from clika_core.targets.target import Target
from clika_linter.context import Context

OPERANDS: Final = {"weights_num_bits": "weights", "activations_num_bits": "activations"}
_SECTION = "global_quantization_settings"


class BitsPlace(NamedTuple):
    """A place that sets `key` to bits the target does not have; the layers that get them, None without a graph."""

    key: str
    bits: int
    span: Span | None
    layers: tuple[str, ...] | None


def unsupported_bits(context: Context) -> Iterator[BitsPlace]:
    """The global settings and rules whose bits the target does not have."""
    for key in OPERANDS:
        supported = widths(context.target, key)
        layers = _layers_by_rule(context, key) if context.has_graph else None
        bits = getattr(context.settings.global_quantization_settings, key)
        if bits not in supported:
            span = context.places.value_span(_SECTION, key)
            yield BitsPlace(key, bits, span, None if layers is None else layers.get(None, ()))
        for rule in context.settings.rules:
            bits = getattr(rule.settings, key)
            if bits is not None and bits not in supported:
                span = context.places.rules[rule.selector].value_span(key)
                found = None if layers is None else layers.get(rule.selector, ())
                yield BitsPlace(key, bits, span, found)


def _layers_by_rule(context: Context, key: str) -> dict[str | None, tuple[str, ...]]:
    """The layers whose bits each rule sets, by selector; under None those whose bits no rule sets."""
    found: dict[str | None, list[str]] = {}
    winners, index = context.reach.fields[key], context.graph.index
    for node in context.graph.layers:
        winner = winners.get(index[node.name])
        selector = context.reach.rules[winner.rule].rule.selector if winner else None
        found.setdefault(selector, []).append(node.name)
    return {selector: tuple(names) for selector, names in found.items()}


def widths(target: Target, key: str) -> tuple[int, ...]:
    """The bits for which the target has kernels."""
    return target.weight_bits if key == "weights_num_bits" else target.activation_bits


def reason_at_supported_bits(
    target: Target, graph: Graph, node: Node, other: Mapping[str, int] | None = None
) -> str | None:
    """Why the target cannot run a layer with the widest codes it has, or `other` ones, and one scale a channel.

    None where it can.
    """
    target = replace(target, weight_group_size=None)
    bits = {key: max(widths(target, key), default=8) for key in OPERANDS} | (dict(other) if other else {})
    return target.support(graph, node, **bits)


def is_lost_to_bits(context: Context, layer: str) -> bool:
    """Whether the target would run a layer if it were not for the bits asked of it."""
    if not any(cause.kind is CauseKind.UNSUPPORTED for cause in context.plan[layer].causes):
        return False
    return reason_at_supported_bits(context.target, context.graph, context.graph[layer]) is None
