"""The traced graph, drawn."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given

from clika_core.ir.graph import Graph
from clika_core.pictures.dot import DotEdge, DotNode
from clika_core.pictures.draw import initial_picture
from clika_core.pictures.layout import ranks_crossed
from clika_core.testing.builder import GraphBuilder
from clika_core.testing.strategies import graphs
from tests.core.pictures.networks import attention


@given(graphs())
def test_there_is_a_box_per_node_and_an_arrow_per_operand(graph: Graph) -> None:
    picture = initial_picture(graph)
    assert [node.id for node in picture.nodes] == [node.name for node in graph]
    arrows = Counter((edge.tail, edge.head) for edge in picture.edges)
    assert arrows == Counter((port.producer, node.name) for node in graph for port in node.inputs)


@given(graphs())
def test_drawing_twice_gives_the_same_text(graph: Graph) -> None:
    assert initial_picture(graph).render() == initial_picture(graph).render()


def test_inputs_and_outputs_are_blue_and_every_layer_is_yellow_and_says_float() -> None:
    graph = attention().graph
    for node, box in zip(graph, initial_picture(graph).nodes, strict=True):
        wanted = "float" if node.kind == "layer" else node.kind
        assert box.attributes["class"] == wanted
        assert f"<B>{wanted}</B>" in str(box.attributes["label"])
        assert box.attributes["fillcolor"] == ("#fff4c7" if wanted == "float" else "#dbeafc")


def test_arrows_name_the_output_and_the_operand_where_they_could_be_confused() -> None:
    labels = {
        (edge.tail, edge.head): edge.attributes.get("label")
        for edge in initial_picture(attention().graph).edges
    }
    assert labels["mask", "attention_1"] == " mask "
    assert labels["split_1", "sigmoid_1"] == " output 1 "
    assert labels["linear_5", "argmax_1"] is None


def ladder(layers: int, reach: int) -> Graph:
    """Layers that also read the one `reach` above them, and each a second output."""
    g = GraphBuilder()
    above = [g.input()]
    for position in range(layers):
        halves = g.layer("split", above[-1], outputs=2)
        above.append(g.layer("add", halves.port(1), above[max(position - reach, 0)]))
    g.output(above[-1])
    return g.build()


@pytest.mark.parametrize(
    ("layers", "reach", "few_passes", "straight"),
    [(300, 0, False, False), (60, 20, True, False), (150, 60, True, True)],
)
def test_what_costs_most_to_lay_out_is_bounded_and_bare_of_labels(
    layers: int, reach: int, few_passes: bool, straight: bool
) -> None:
    picture = initial_picture(ladder(layers, reach))
    assert (picture.attributes.get("nslimit") == picture.attributes.get("nslimit1") == "1") is few_passes
    assert (picture.attributes.get("splines") == "line") is straight
    assert any("label" in edge.attributes for edge in picture.edges) is not few_passes


def test_ranks_are_counted_along_the_longest_way() -> None:
    nodes = [DotNode(name) for name in "abcd"]
    edges = [DotEdge("a", "b"), DotEdge("b", "d"), DotEdge("a", "d"), DotEdge("c", "d")]
    assert ranks_crossed(nodes, edges) == 1 + 1 + 2 + 2
    assert ranks_crossed(nodes, []) == 0
