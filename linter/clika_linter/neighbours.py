"""Cheaper variants of a skip: which layers beside it, left float too, save changes between float and integers."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice

from clika_core.frozen import frozen
from clika_core.ir.graph import NodeKind
from clika_core.planning.decision import Precision
from clika_linter.context import Context

MAX_PLANNED_NODES = 10_000  # of whole plans made to find out
MAX_SHARE = 0.05  # of the model's multiply-accumulates that a cheaper variant may leave float in addition


@frozen
class Neighbour:
    """A variant that skips `layers` too, and leaves `num_borders` borders."""

    layers: tuple[str, ...]
    num_borders: int


def cheaper_neighbour(context: Context, skipped: Collection[str]) -> Neighbour | None:
    """The variant with the fewest borders: with what lies between, before, or behind the skipped layers.

    None where none of them saves a border at a small price. Makes up to five plans, fewer of large graphs.
    """
    index = context.graph.index
    best: Neighbour | None = None
    fewest = len(context.plan.borders)
    for layers in islice(_candidates(context, skipped), max(1, MAX_PLANNED_NODES // len(context.graph))):
        num_borders = len(context.plan_with_skips(index[name] for name in layers).borders)
        if num_borders < fewest:
            fewest, best = num_borders, Neighbour(layers, num_borders)
    return best


def _candidates(context: Context, skipped: Collection[str]) -> Iterator[tuple[str, ...]]:
    """Sets of quantized layers next to the skipped ones, each once, those that cost little; whole groups."""
    before, behind = _quantized_beside(context, skipped)
    members = {head: context.plan.groups[head].members for head in before | behind}
    share = context.costs.share_of_multiply_accumulates
    free = {head for head, layers in members.items() if share(layers) == 0.0}
    seen: set[frozenset[str]] = {frozenset()}
    for heads in (before & behind, free, before, behind, before | behind):
        layers = [name for head in heads for name in members[head]]
        if frozenset(heads) not in seen and share(layers) <= MAX_SHARE:
            yield tuple(sorted(layers, key=context.graph.index.__getitem__))
        seen.add(frozenset(heads))


def _quantized_beside(context: Context, skipped: Collection[str]) -> tuple[set[str], set[str]]:
    """The quantized groups that feed one of the skipped layers, and those that read one of them."""
    index, nodes, plan = context.graph.index, context.graph.nodes, context.plan
    decisions = {d.name: d for d in plan.decisions if d.precision is Precision.QUANTIZED}
    before = {producer for name in skipped for producer, _ in context.wiring.sources[index[name]]}
    behind = {
        nodes[reader].name
        for name in skipped
        for port in range(len(context.graph[name].outputs))
        for reader in context.wiring.readers.get((name, port), ())
        if nodes[reader].kind is NodeKind.LAYER
    }
    heads = [{decisions[name].group for name in names if name in decisions} for names in (before, behind)]
    return {head for head in heads[0] if head}, {head for head in heads[1] if head}
