"""Random graphs: small chains and dense tangles, with every kind of layer, port, path and output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from clika_core.ir.graph import Graph
from clika_core.testing.strategies.growing import Growing, Recipe
from clika_core.testing.strategies.kinds import FLOAT, FUSED_ROWS, INTEGER, LAYER_KINDS, LayerKind

PATHS = (
    None, "stem", "stem.conv", "body", "body.0", "body.0.conv", "body.1.conv", "body.1", "body.10.conv",
    "head.fc", "head.fc.1", "head", "header",
)  # fmt: skip

# How far back an operand lies, by digit: mostly the latest value, which makes chains and fused groups.
_BACK = (0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 5, 7, 11, 17, 31)
_MAX_OPERANDS = 3


@dataclass(frozen=True, slots=True)
class _Row:
    """Layers to be, of which each after the first reads the one before.

    `operands` and `origin` hold several small choices each: few draws are fast draws.
    """

    kinds: tuple[LayerKind, ...]
    operands: int
    origin: int

    def recipes(self) -> list[Recipe]:
        """One recipe per layer."""
        digits = [self.operands // len(_BACK) ** place % len(_BACK) for place in range(_MAX_OPERANDS)]
        back = tuple(_BACK[digit] for digit in digits)
        tie, path = divmod(self.origin, len(PATHS))
        return [
            Recipe(kind, (0,) * _MAX_OPERANDS if position else back, PATHS[path], tie)
            for position, kind in enumerate(self.kinds)
        ]


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
    row = st.builds(
        _Row,
        kinds=st.sampled_from([*((kind,) for kind in kinds), *rows]),
        operands=st.integers(0, len(_BACK) ** _MAX_OPERANDS - 1),
        origin=st.integers(0, 3 * len(PATHS) - 1),
    )
    return st.builds(
        _grown,
        inputs=st.lists(st.sampled_from([FLOAT, INTEGER]), min_size=1, max_size=3),
        rows=st.integers(0, max_layers).flatmap(
            lambda least: st.lists(row, min_size=least, max_size=max_layers)
        ),
        extra_outputs=st.lists(st.integers(0, max_layers + 2), max_size=2),
        max_layers=st.just(max_layers),
        max_paths=st.just(max_paths),
    )


def _grown(
    inputs: Sequence[str],
    rows: Sequence[_Row],
    extra_outputs: Sequence[int],
    max_layers: int,
    max_paths: int,
) -> Graph:
    """The graph that the rows describe; a layer whose operands do not exist yet is passed over."""
    growing = Growing(max_paths)
    for dtype in inputs:
        growing.add_input(dtype)
    recipes = [recipe for row in rows for recipe in row.recipes()]
    for recipe in recipes[:max_layers]:
        growing.add_layer(recipe)
    return growing.finish(extra_outputs)
