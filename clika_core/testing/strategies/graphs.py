"""Random graphs: small chains and dense tangles, with every kind of layer, port, path and output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from clika_core.ir.graph import Graph, Weight
from clika_core.testing.builder import Built, GraphBuilder
from clika_core.testing.strategies.kinds import FLOAT, FUSED_ROWS, INTEGER, LAYER_KINDS, LayerKind

SHAPE = ("d0", 8, 4, 4)
PATHS = (
    None, "stem", "stem.conv", "body", "body.0", "body.0.conv", "body.1.conv", "body.1", "body.10.conv",
    "head.fc", "head.fc.1", "head", "header",
)  # fmt: skip


# How many values back an operand is, by digit: mostly the latest value, which makes chains and fused groups.
_BACK = (0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 5, 7, 11, 17, 31)


@dataclass(frozen=True, slots=True)
class _Recipe:
    """A layer to be, with those that read nothing but it, in a row.

    `operands` and `origin` hold several small choices each: few draws are fast draws.
    """

    kinds: tuple[LayerKind, ...]
    operands: int
    origin: int

    def singles(self) -> list[_Recipe]:
        """One recipe per layer: each after the first reads the latest value."""
        return [
            replace(self, kinds=(kind,), operands=0 if position else self.operands)
            for position, kind in enumerate(self.kinds)
        ]

    def back(self, operand: int) -> int:
        """How far back the operand counts among the values of its dtype class, 0 the latest."""
        return _BACK[self.operands // len(_BACK) ** operand % len(_BACK)]

    @property
    def path(self) -> str | None:
        """Where in the source model the layer is called."""
        return PATHS[self.origin % len(PATHS)]

    @property
    def tie(self) -> int:
        """Layers of one type and one tie other than 0 use the same weights."""
        return self.origin // len(PATHS)


def graphs(
    max_layers: int = 12,
    *,
    max_paths: int = 400,
    kinds: Sequence[LayerKind] = LAYER_KINDS,
    rows: Sequence[tuple[LayerKind, ...]] = FUSED_ROWS,
) -> st.SearchStrategy[Graph]:
    """Graphs of at most `max_layers` layers, in which at most about `max_paths` paths end at any node.

    Every layer reaches an output; an output may be a graph input, may be read on, and two may be one value.
    Layers called twice share a path, tied weights an identity; parts may be disconnected. A graph may be
    without layers. The bound on paths keeps graphs small enough for those who enumerate them.
    """
    recipe = st.builds(
        _Recipe,
        kinds=st.sampled_from([*((kind,) for kind in kinds), *rows]),
        operands=st.integers(0, len(_BACK) ** 3 - 1),
        origin=st.integers(0, 3 * len(PATHS) - 1),
    )
    recipes = st.integers(0, max_layers).flatmap(
        lambda least: st.lists(recipe, min_size=least, max_size=max_layers)
    )
    return st.builds(
        _assemble,
        inputs=st.lists(st.sampled_from([FLOAT, INTEGER]), min_size=1, max_size=3),
        recipes=recipes,
        extra_outputs=st.lists(st.integers(0, max_layers + 2), max_size=2),
        max_layers=st.just(max_layers),
        max_paths=st.just(max_paths),
    )


def _assemble(
    inputs: Sequence[str],
    recipes: Sequence[_Recipe],
    extra_outputs: Sequence[int],
    max_layers: int,
    max_paths: int,
) -> Graph:
    """The graph that the recipes describe; one whose operands do not exist yet is passed over."""
    growing = _Growing(max_paths)
    for dtype in inputs:
        growing.add_input(dtype)
    singles = [single for recipe in recipes for single in recipe.singles()]
    for recipe in singles[:max_layers]:
        growing.add_layer(recipe)
    growing.add_outputs(extra_outputs)
    return growing.builder.build()


class _Growing:
    """A graph under construction: its values so far, those not read yet, and how many paths end where."""

    def __init__(self, max_paths: int) -> None:
        self.builder = GraphBuilder()
        self._values: list[tuple[Built, bool]] = []  # with: is it floating point
        self._unread: dict[str, Built] = {}
        self._paths: dict[str, int] = {}
        self._max_paths = max_paths
        self._layers = 0

    def add_input(self, dtype: str) -> None:
        """One more graph input."""
        built = self.builder.input(f"x{len(self._paths)}", SHAPE, dtype)
        self._values.append((built, dtype == FLOAT))
        self._paths[built.name] = 1

    def add_layer(self, recipe: _Recipe) -> None:
        """One more layer, unless no value fits one of its operands."""
        wanted = [
            self._fitting(letter == "f", recipe.back(position))
            for position, letter in enumerate(recipe.kinds[0].operands)
        ]
        if not all(wanted):
            return
        present = [pair[0] for pair in wanted]
        for position, pair in reversed(list(enumerate(wanted))):
            if self._count(present) > self._max_paths:
                present[position] = pair[1]
        built = self._build(recipe, present)
        self._paths[built.name] = self._count(present)
        read = {operand.name for operand in present}
        self._unread = {name: value for name, value in self._unread.items() if name not in read}
        self._unread[built.name] = built
        self._values.extend(
            zip(built.ports, [dtype == FLOAT for dtype in recipe.kinds[0].dtypes], strict=True)
        )

    def add_outputs(self, extra: Sequence[int]) -> None:
        """The values at `extra`, counted back, and whatever nobody reads; at least one."""
        chosen = [self._values[-1 - back % len(self._values)][0] for back in extra]
        for value in [*chosen, *self._unread.values()] or [self._values[0][0]]:
            number = len(self._paths)
            self._paths[f"output {number}"] = 0
            self.builder.output(value, path=f"result.{number}")

    def _fitting(self, is_float: bool, back: int) -> tuple[Built, ...]:
        """The value `back` steps ago and the oldest one, of those in the dtype class; empty if none is."""
        fitting = [value for value, floating in self._values if floating is is_float]
        return (fitting[-1 - back % len(fitting)], fitting[0]) if fitting else ()

    def _count(self, operands: Sequence[Built]) -> int:
        """How many paths would end at a layer with these operands."""
        return 1 + sum(self._paths[name] for name in {operand.name for operand in operands})

    def _build(self, recipe: _Recipe, operands: Sequence[Built]) -> Built:
        self._layers += 1
        kind = recipe.kinds[0]
        owner = f"tied.{recipe.tie}" if recipe.tie else f"layer.{self._layers}"
        weights = {
            role: Weight(role, shape, FLOAT, f"{kind.type}.{owner}.{role}")
            for role, shape in kind.weights.items()
        }
        attributes: dict[str, Any] = dict(kind.attributes)
        return self.builder.layer(
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
