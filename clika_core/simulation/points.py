"""Quantization points: the values that need parameters, and those that take them from another value."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from clika_core.ir.graph import NodeKind, ValueKey
from clika_core.planning.decision import Group
from clika_core.planning.wiring import Wiring
from clika_core.targets.target import Arithmetic, Target

PROBABILITIES: Final = -1
"""The port, as it were, of the value inside attention that has parameters too."""

ABOVE: Final = -2
BELOW: Final = -3
"""The ports, as it were, of the halves in which a layer's sums are rounded, above and below zero."""

BOUNDS: Final[Mapping[int, tuple[float, float]]] = MappingProxyType(
    {ABOVE: (0.0, float("inf")), BELOW: (-float("inf"), 0.0)}
)
"""Where each half lies."""


@dataclass(frozen=True, slots=True)
class Points:
    """Where parameters come from.

    `observed` values are calibrated; `shared` values carry the parameters of the observed value they map to,
    because the layers between only move codes.
    """

    observed: tuple[ValueKey, ...]
    shared: Mapping[ValueKey, ValueKey]

    def source(self, key: ValueKey) -> ValueKey:
        """The observed value whose parameters `key` has."""
        return self.shared.get(key, key)


def unrounded_heads(
    wiring: Wiring, groups: Mapping[str, Group], target: Target, floats: Collection[str]
) -> dict[str, tuple[int, ...]]:
    """The heads of quantized groups whose sums leave as reals, with the halves in which they are rounded, if in any.

    No integer layer reads them. What leaves the model is read in floating point; what is clamped behind the kernel
    is rounded.
    """
    nodes = wiring.graph.nodes
    found: dict[str, tuple[int, ...]] = {}
    has_zero_at_ends = not target.activations.is_symmetric  # so that saturation keeps the halves apart
    for head, group in groups.items():
        readers = [nodes[reader] for reader in wiring.readers.get((head, 0), ())]
        is_sum = head not in floats and target.arithmetic(wiring.graph[head]) is Arithmetic.ACCUMULATE
        is_read = all(reader.kind is NodeKind.OUTPUT or reader.name in floats for reader in readers)
        if not (is_sum and is_read and readers and len(group.members) == 1):
            continue
        kernel = target.kernels[wiring.graph[head].type]
        if kernel.gives_floats:
            found[head] = ()
        elif {reader.type for reader in readers} <= set(kernel.halves_for) and has_zero_at_ends:
            found[head] = tuple(BOUNDS)
    return found


def quantization_points(
    wiring: Wiring, groups: Mapping[str, Group], target: Target, floats: Collection[str]
) -> Points:
    """The points of a plan: ends of groups that are rounded, float values that these read, and probabilities."""
    graph, unrounded = wiring.graph, unrounded_heads(wiring, groups, target, floats)
    observed: dict[ValueKey, None] = {}
    shared: dict[ValueKey, ValueKey] = {}
    for node in graph.nodes:
        if node.kind is not NodeKind.LAYER or node.name not in groups or node.name in floats:
            continue
        sources = wiring.sources[graph.index[node.name]]
        for key in sources:
            if key not in shared:
                observed.setdefault(key)
        if node.name in unrounded:
            observed.update(((node.name, half), None) for half in unrounded[node.name])
            continue
        if target.arithmetic(node) is Arithmetic.ATTEND:
            observed.setdefault((node.name, PROBABILITIES))
        end = graph[groups[node.name].end]
        is_move = target.arithmetic(node) is Arithmetic.MOVE and len(set(sources)) == 1
        for port, value in enumerate(end.outputs):
            if value.is_float and is_move:
                shared[end.name, port] = shared.get(sources[0], sources[0])
            elif value.is_float:
                observed.setdefault((end.name, port))
    return Points(tuple(observed), shared)
