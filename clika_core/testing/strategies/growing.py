"""A graph that grows layer by layer from recipes, each of which says how far back its operands lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clika_core.ir.graph import Graph, Weight
from clika_core.testing.builder import Built, GraphBuilder
from clika_core.testing.strategies.kinds import FLOAT, LayerKind

SHAPE = ("d0", 8, 4, 4)


@dataclass(frozen=True, slots=True)
class Recipe:
    """One layer to be.

    `back` counts, for each operand, back among the values of its dtype class, 0 the latest. Layers of one type
    and one `tie` other than 0 use the same weights.
    """

    kind: LayerKind
    back: tuple[int, ...]
    path: str | None
    tie: int


class Growing:
    """A graph under construction: its values so far, those not read yet, and how many paths end where."""

    def __init__(self, max_paths: int) -> None:
        """Nothing yet; a layer at which more than `max_paths` paths would end reads older values instead."""
        self._builder = GraphBuilder()
        self._values: list[tuple[Built, bool]] = []  # with: is it floating point
        self._unread: dict[str, Built] = {}
        self._paths: dict[str, int] = {}
        self._max_paths = max_paths
        self._layers = 0

    def add_input(self, dtype: str) -> None:
        """One more graph input."""
        built = self._builder.input(f"x{len(self._paths)}", SHAPE, dtype)
        self._values.append((built, dtype == FLOAT))
        self._paths[built.name] = 1

    def add_layer(self, recipe: Recipe) -> None:
        """One more layer, unless no value fits one of its operands."""
        wanted = [
            self._fitting(letter == "f", back)
            for letter, back in zip(recipe.kind.operands, recipe.back, strict=False)
        ]
        if not all(wanted):
            return
        operands = [latest for latest, *_ in wanted]
        for position in reversed(range(len(operands))):
            if self._count(operands) > self._max_paths:
                operands[position] = wanted[position][-1]
        built = self._build(recipe, operands)
        read = {operand.name for operand in operands}
        self._unread = {name: value for name, value in self._unread.items() if name not in read}
        self._unread[built.name] = built
        self._paths[built.name] = self._count(operands)
        is_float = [dtype == FLOAT for dtype in recipe.kind.dtypes]
        self._values.extend(zip(built.ports, is_float, strict=True))

    def finish(self, extra_outputs: Sequence[int]) -> Graph:
        """The graph, whose outputs are the values at `extra_outputs`, counted back, and whatever nobody reads."""
        chosen = [self._values[-1 - back % len(self._values)][0] for back in extra_outputs]
        values = [*chosen, *self._unread.values()] or [self._values[0][0]]
        for number, value in enumerate(values, start=1):
            self._builder.output(value, path=f"result.{number}")
        return self._builder.build()

    def _fitting(self, is_float: bool, back: int) -> tuple[Built, ...]:
        """The value `back` steps ago and the oldest one, of those in the dtype class; empty if none is."""
        fitting = [value for value, floating in self._values if floating is is_float]
        return (fitting[-1 - back % len(fitting)], fitting[0]) if fitting else ()

    def _count(self, operands: Sequence[Built]) -> int:
        """How many paths would end at a layer with these operands."""
        return 1 + sum(self._paths[name] for name in {operand.name for operand in operands})

    def _build(self, recipe: Recipe, operands: Sequence[Built]) -> Built:
        self._layers += 1
        kind = recipe.kind
        owner = f"tied.{recipe.tie}" if recipe.tie else f"layer.{self._layers}"
        weights = {
            role: Weight(role, shape, FLOAT, f"{kind.type}.{owner}.{role}")
            for role, shape in kind.weights.items()
        }
        attributes: dict[str, Any] = dict(kind.attributes)
        return self._builder.layer(
            kind.type,
            *operands,
            weights=weights,
            outputs=len(kind.dtypes),
            dtypes=kind.dtypes,
            shapes=(SHAPE,) * len(kind.dtypes),
            path=recipe.path,
            aliases=(f"%{self._layers}",),
            **attributes,
        )
