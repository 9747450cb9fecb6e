"""Rules that cannot be meant on a given graph: each is an error with its own message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from clika_core.ir.graph import Graph
from clika_core.testing.strategies.rules import NOWHERE, descendants


def broken_rules(graph: Graph) -> st.SearchStrategy[tuple[str, Mapping[str, Any]]]:
    """A selector with the keywords of a rule that is an error on `graph`, which must have a layer."""
    kinds = [_misspelt(graph), _alone(graph), _unreached(graph)]
    return st.one_of([kind for kind in kinds if kind is not None])


def _misspelt(graph: Graph) -> st.SearchStrategy[tuple[str, Mapping[str, Any]]]:
    """Selectors and targets that match nothing."""
    layer = st.sampled_from(graph.layers)
    selector = st.sampled_from(NOWHERE).map(lambda text: (text, {"skip_quantization": True}))
    target = st.tuples(layer, st.sampled_from(NOWHERE)).map(
        lambda drawn: (
            drawn[0].name,
            {"skip_quantization": True, "skip_quantization_until": [drawn[0].name, drawn[1]]},
        )
    )
    return st.one_of(selector, target)


def _alone(graph: Graph) -> st.SearchStrategy[tuple[str, Mapping[str, Any]]]:
    """Ranges without `skip_quantization=True`, and both ranges together."""
    return st.sampled_from(graph.layers).flatmap(
        lambda node: st.sampled_from(
            [
                (node.name, {"skip_quantization_downstream": True}),
                (node.name, {"skip_quantization_until": [node.name]}),
                (node.name, {"skip_quantization": False, "skip_quantization_until": [node.name]}),
                (node.name, {"skip_quantization": False, "skip_quantization_downstream": True}),
                (
                    node.name,
                    {
                        "skip_quantization": True,
                        "skip_quantization_downstream": True,
                        "skip_quantization_until": [node.name],
                    },
                ),
            ]
        )
    )


def _unreached(graph: Graph) -> st.SearchStrategy[tuple[str, Mapping[str, Any]]] | None:
    """Targets upstream or in another branch, alone or beside one that is reached."""
    pairs = [
        (start.name, end.name)
        for start in graph.layers
        for end in graph.layers
        if end.name not in {node.name for node in descendants(graph, start)}
    ]
    if not pairs:
        return None
    return st.tuples(st.sampled_from(pairs), st.booleans()).map(
        lambda drawn: (
            drawn[0][0],
            {
                "skip_quantization": True,
                "skip_quantization_until": [drawn[0][1], *([drawn[0][0]] if drawn[1] else [])],
            },
        )
    )
