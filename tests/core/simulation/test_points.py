"""Which values need parameters, and which take those of the value that was moved."""

from __future__ import annotations

from clika_core.ir.graph import Graph
from clika_core.planning.plan import make_plan
from clika_core.planning.wiring import Wiring
from clika_core.simulation.points import Points, quantization_points
from clika_core.targets.ort import ORT
from clika_core.testing import GraphBuilder
from tests.core.loopback.quantizing import settings_with


def points_of(graph: Graph, *skip: str, tail: bool = False) -> Points:
    plan = make_plan(graph, settings_with(skip=skip, tail=tail), ORT)
    return quantization_points(Wiring(graph), plan.groups, ORT, set(plan.skipped))


def test_a_fused_group_has_one_point_at_its_end() -> None:
    g = GraphBuilder()
    g.output(g.layer("relu", g.layer("conv", g.input("x", ("d0", 3, 8, 8)), weight=(4, 3, 3, 3))))
    assert points_of(g.build()).observed == (("x", 0), ("relu_1", 0))


def test_moved_values_take_the_parameters_of_the_first_that_was_computed() -> None:
    g = GraphBuilder()
    h = g.layer("conv", g.input("x", ("d0", 3, 8, 8)), weight=(4, 3, 3, 3))
    pooled = g.layer("max_pool", h, kernel_size=(1, 1), strides=(1, 1))
    parts = g.layer("split", pooled, outputs=2, axis=1, sizes=(2, 2))
    g.output(g.layer("add", *parts.ports))
    found = points_of(g.build())
    assert found.observed == (("x", 0), ("conv_1", 0), ("add_1", 0))
    assert found.shared == dict.fromkeys([("max_pool_1", 0), ("split_1", 0), ("split_1", 1)], ("conv_1", 0))
    assert found.source(("split_1", 1)) == ("conv_1", 0)
    assert found.source(("add_1", 0)) == ("add_1", 0)


def test_a_moved_graph_input_shares_its_own_parameters() -> None:
    g = GraphBuilder()
    flat = g.layer("flatten", g.input("x", ("d0", 2, 4)))
    g.output(g.layer("linear", flat, weight=(3, 8)))
    found = points_of(g.build())
    assert found.observed == (("x", 0),)
    assert found.shared == {("flatten_1", 0): ("x", 0)}


def test_a_concat_of_several_values_is_a_point_of_its_own() -> None:
    g = GraphBuilder()
    x = g.input("x", ("d0", 8))
    left, right = (g.layer("linear", x, weight=(8, 8)) for _ in range(2))
    g.output(g.layer("concat", left, right, axis=1, shape=("d0", 16)))
    found = points_of(g.build())
    assert found.observed == (("x", 0), ("linear_1", 0), ("linear_2", 0), ("concat_1", 0))
    assert found.shared == {}


def test_a_float_layer_is_a_point_only_where_a_quantized_one_reads_it() -> None:
    g = GraphBuilder()
    x = g.input("x", ("d0", 8))
    h = x
    for _ in range(4):
        h = g.layer("linear", h, weight=(8, 8))
    g.output(h)
    found = points_of(g.build(), "linear_2", "linear_3")
    assert found.observed == (("x", 0), ("linear_3", 0))


def test_sums_that_only_float_layers_read_or_that_leave_the_model_have_no_point() -> None:
    g = GraphBuilder()
    x = g.input("x", ("d0", 8))
    first = g.layer("layer_norm", g.layer("linear", x, weight=(8, 8)))
    clamped = g.layer("layer_norm", g.layer("relu", g.layer("linear", first, weight=(8, 8))))
    shared = g.layer("linear", clamped, weight=(8, 8))
    g.output(g.layer("linear", shared, weight=(8, 8)))
    g.output(g.layer("layer_norm", shared))
    ends = [
        key[0] for key in points_of(g.build()).observed if key[0] not in ("x", "layer_norm_1", "layer_norm_2")
    ]
    assert ends == ["relu_1", "linear_3"]


def test_a_removed_layer_is_looked_through() -> None:
    g = GraphBuilder()
    dropped = g.layer("dropout", g.input("x", ("d0", 8)))
    g.output(g.layer("relu", g.layer("linear", dropped, weight=(8, 8))))
    assert points_of(g.build()).observed == (("x", 0), ("relu_1", 0))


def test_integers_and_indices_are_no_points() -> None:
    g = GraphBuilder()
    x = g.layer("relu", g.input("x", ("d0", 8)))
    picked = g.layer("gather", x, g.input("indices", ("d0",), "int64"), axis=1, shape=("d0", "d0"))
    g.output(g.layer("relu", picked))
    keys = {*points_of(g.build()).observed, *points_of(g.build()).shared}
    assert not any(producer == "indices" for producer, _ in keys)


def test_nothing_is_a_point_where_everything_is_float() -> None:
    g = GraphBuilder()
    g.output(g.layer("linear", g.input("x", ("d0", 8)), weight=(8, 8)))
    found = points_of(g.build(), tail=True)
    assert (found.observed, found.shared) == ((), {})
