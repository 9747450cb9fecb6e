"""The traced graph, drawn."""

from __future__ import annotations

from collections import Counter

from hypothesis import given

from clika_core.ir.graph import Graph
from clika_core.pictures.draw import initial_picture
from clika_core.pictures.layout import FULL_EFFORT_EDGES
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


def test_a_large_graph_asks_for_a_bounded_layout_without_labels() -> None:
    g = GraphBuilder()
    h = g.input()
    for _ in range(FULL_EFFORT_EDGES):
        h = g.layer("split", h, outputs=2).port(1)
    small = initial_picture(g.build())
    g.output(h)
    large = initial_picture(g.build())
    assert "nslimit" not in small.attributes
    assert large.attributes["nslimit"] == large.attributes["nslimit1"] == "1"
    assert large.attributes["splines"] == "line"
    assert any("label" in edge.attributes for edge in small.edges)
    assert not any("label" in edge.attributes for edge in large.edges)
