"""What a fingerprint depends on, and what it does not."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clika_core.errors import Location
from clika_core.ir.fingerprint import attribute_to_json
from clika_core.ir.graph import Graph, InputPort, Value, Weight
from clika_core.testing import GraphBuilder
from clika_core.testing.strategies import graphs


def small() -> Graph:
    g = GraphBuilder()
    x = g.input("x", ("d0", 8))
    h = g.layer("linear", x, weight=(8, 8), path="net.0", a=0, bias_axis=1)
    g.output(g.layer("sub", h, x))
    return g.build()


def changed(position: int, **changes: Any) -> Graph:
    graph = small()
    nodes = list(graph.nodes)
    nodes[position] = replace(nodes[position], **changes)
    return replace(graph, nodes=tuple(nodes))


SAME: dict[str, Graph] = {
    "path": changed(1, path="elsewhere"),
    "aliases": changed(1, aliases=("other",)),
    "source": changed(1, source=Location("a.py", 3)),
    "identity": changed(1, weights=(Weight("weight", (8, 8), "float16", "tied"),)),
    "example sizes": changed(0, outputs=(Value("float32", ("d0", 8), (64, 8)),)),
    "order of attributes": changed(
        1, attributes=dict(sorted(small().nodes[1].attributes.items(), reverse=True))
    ),
    "name of the model": replace(small(), name="other"),
    "versions": replace(small(), backend="torch", framework_version="2.13"),
}
DIFFERENT: dict[str, Graph] = {
    "type": changed(2, type="add"),
    "attributes": changed(1, attributes={"a": 0, "bias_axis": 2}),
    "roles": changed(2, inputs=(InputPort("linear_1", 0, "other"), InputPort("x", 0, "input"))),
    "order of operands": changed(2, inputs=small().nodes[2].inputs[::-1]),
    "dtype": changed(1, outputs=(Value("float16", ("d0", 8), (2, 8)),)),
    "shape": changed(1, outputs=(Value("float32", (2, 8), (2, 8)),)),
    "shape of a weight": changed(1, weights=(Weight("weight", (8, 9), "float32", "w"),)),
    "role of a weight": changed(1, weights=(Weight("other", (8, 8), "float32", "w"),)),
}


@pytest.mark.parametrize("graph", SAME.values(), ids=SAME)
def test_it_does_not_change_with(graph: Graph) -> None:
    assert graph.fingerprint == small().fingerprint


@pytest.mark.parametrize("graph", DIFFERENT.values(), ids=DIFFERENT)
def test_it_changes_with(graph: Graph) -> None:
    assert graph.fingerprint != small().fingerprint


def test_non_finite_attributes_are_told_apart() -> None:
    found = {changed(1, attributes={"v": float(text)}).fingerprint for text in ("inf", "-inf", "nan")}
    assert len(found | {changed(1, attributes={"v": "inf"}).fingerprint}) == 4


@given(graphs(max_layers=6))
def test_equal_graphs_have_equal_fingerprints(graph: Graph) -> None:
    assert replace(graph).fingerprint == graph.fingerprint
    assert len(graph.fingerprint) == 64


HOSTILE = changed(1, attributes={"": 0, "text": '],[{"":0}],[', "list": ("", 0, float("inf"))})


@given(graph=graphs() | st.just(HOSTILE))
def test_it_is_the_sha256_of_one_line_of_json_for_each_node(graph: Graph) -> None:
    lines = [
        [
            node.name,
            node.type,
            str(node.kind),
            {key: attribute_to_json(value) for key, value in node.attributes.items()},
            [[port.producer, port.port, port.role] for port in node.inputs],
            [[value.dtype, value.shape] for value in node.outputs],
            [[weight.role, weight.shape] for weight in node.weights],
        ]
        for node in graph.nodes
    ]
    text = "".join(json.dumps(line, sort_keys=True, separators=(",", ":")) + "\n" for line in lines)
    assert graph.fingerprint == hashlib.sha256(text.encode()).hexdigest()
