"""What a graph guarantees, and how its nodes are found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clika_core.errors import GraphError
from clika_core.ir.graph import Graph, InputPort, Node, NodeKind, Value
from clika_core.testing import GraphBuilder

VALUE = Value("float32", ("d0", 8), (2, 8))
X = Node("x", "input", NodeKind.INPUT, outputs=(VALUE,))


def relu(name: str, *ports: InputPort) -> Node:
    return Node(name, "relu", NodeKind.LAYER, ports, (VALUE,))


def output(*ports: InputPort) -> Node:
    return Node("output_1", "output", NodeKind.OUTPUT, ports)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ((X, X), "two nodes are named 'x'"),
        ((X, relu("a", InputPort("b"))), "reads 'b', which does not come before it"),
        ((X, relu("a", InputPort("a"))), "reads 'a', which does not come before it"),
        ((X, relu("a", InputPort("x", 1))), "reads output 1 of 'x'"),
        ((X, relu("a", InputPort("x", -1))), "reads output -1 of 'x'"),
        ((X, replace(X, name="y", inputs=(InputPort("x"),))), "input node 'y' has inputs"),
        ((X, output()), "must have exactly one input"),
        ((X, output(InputPort("x"), InputPort("x"))), "must have exactly one input"),
        ((X, replace(output(InputPort("x")), outputs=(VALUE,))), "must have exactly one input"),
        ((replace(X, outputs=(Value("int8", (1, 2), (1,)),)),), "contradict each other"),
        ((replace(X, outputs=(Value("int8", ("d0", 3), (2, 4)),)),), "contradict each other"),
    ],
)
def test_a_graph_that_breaks_an_invariant_is_refused(nodes: tuple[Node, ...], message: str) -> None:
    with pytest.raises(GraphError) as caught:
        Graph(nodes)
    assert message in str(caught.value)


def test_inputs_layers_and_outputs_are_in_trace_order() -> None:
    g = GraphBuilder()
    x, y = g.input("x"), g.input("y")
    g.output(g.layer("add", g.layer("relu", y), x))
    graph = g.build()
    assert [node.name for node in graph.inputs] == ["x", "y"]
    assert [node.name for node in graph.layers] == ["relu_1", "add_1"]
    assert [node.name for node in graph.outputs] == ["output_1"]
    assert [node.name for node in graph] == ["x", "y", "relu_1", "add_1", "output_1"]
    assert len(graph) == 5


def test_producers_and_consumers_have_one_entry_per_edge() -> None:
    g = GraphBuilder()
    x = g.input("x")
    g.output(g.layer("mul", x, x))
    graph = g.build()
    assert graph.producers == ((), (0, 0), (1,))
    assert graph.consumers == ((1, 1), (2,), ())


def test_a_node_is_found_by_name_and_a_wrong_name_gets_the_nearest() -> None:
    g = GraphBuilder()
    g.output(g.layer("linear", g.input("x"), weight=(4, 8)))
    graph = g.build()
    assert graph["linear_1"].type == "linear"
    assert "linear_1" in graph
    assert "linear_9" not in graph
    with pytest.raises(GraphError, match="nearest names: linear_1"):
        graph["linear_2"]
    with pytest.raises(GraphError, match="list them"):
        graph["something else"]


def test_operands_are_found_by_role() -> None:
    g = GraphBuilder()
    g.output(g.layer("linear", g.input("x"), weight=(4, 8)))
    node = g.build()["linear_1"]
    assert node.input_of("input") == InputPort("x")
    assert node.input_of("weight") is None
    weight = node.weight("weight")
    assert weight is not None
    assert weight.shape == (4, 8)
    assert node.weight("bias") is None


@pytest.mark.parametrize(("dtype", "is_float"), [("float32", True), ("bfloat16", True), ("int64", False)])
def test_only_floating_point_values_are_float(dtype: str, is_float: bool) -> None:
    assert Value(dtype, (), ()).is_float is is_float


def test_findings_of_the_trace_do_not_make_a_graph_another() -> None:
    g = GraphBuilder()
    g.output(g.input("x"))
    graph = g.build()
    assert graph == replace(graph, diagnostics=())
