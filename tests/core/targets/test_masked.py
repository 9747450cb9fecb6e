"""What a mask filled with a number far from all others stays float, in every target; nothing else does."""

from __future__ import annotations

import pytest

import clika_core as clika
from clika_core.ir.graph import Graph
from clika_core.targets.masked import filling, masked_operand
from clika_core.testing import Built, GraphBuilder

FULL = ("d0", 2, 6, 6)


def filled(g: GraphBuilder, number: float, *, by: str = "masked_fill") -> Built:
    """Scores of two convolutions, filled."""
    x = g.layer("conv", g.input("x", ("d0", 3, 6, 6)), weight=(2, 3, 1, 1))
    mask = g.input("m", FULL, "bool")
    if by == "where":
        return g.layer("where", mask, x, roles=("condition", "input"), other=number)
    return g.layer("masked_fill", x, mask, roles=("input", "mask"), value=number)


def graph(number: float, *between: str, by: str = "masked_fill") -> Graph:
    g = GraphBuilder()
    h = filled(g, number, by=by)
    for type_ in between:
        h = g.layer(type_, h, h) if type_ == "add" else g.layer(type_, h)
    h = g.layer("softmax", h, axis=3)
    g.output(g.layer("conv", h, weight=(2, 2, 1, 1)))
    return g.build()


@pytest.mark.parametrize("number", [float("-inf"), -1e9, -10000.0, float("inf"), float("nan")])
@pytest.mark.parametrize("by", ["masked_fill", "where"])
@pytest.mark.parametrize("target", ["ort", "tflite", "qnn", "simulation"])
def test_a_softmax_of_masked_scores_stays_float(number: float, by: str, target: str) -> None:
    settings = clika.Settings()
    settings.global_quantization_settings.skip_tail_quantization = False
    found = graph(number, by=by)
    plan = clika.plan(found, settings, target=target)
    assert plan["softmax_1"].precision == "float"
    (cause,) = plan["softmax_1"].causes
    assert cause.of == (
        f"{target} has no quantized kernel for it: it reads what {by}_1 filled with {number:g}, which leaves the "
        "rest no codes",
    )
    assert plan["conv_2"].precision == "quantized"


@pytest.mark.parametrize("between", [("add",), ("identity",), ("add", "identity", "add")], ids=str)
def test_sums_and_movements_between_stay_float_too(between: tuple[str, ...]) -> None:
    found = graph(-1e9, *between)
    plan = clika.plan(found, target="ort")
    for node in found.layers[2:-1]:
        assert plan[node.name].precision != "quantized", node.name


def test_small_numbers_are_values_like_all_others() -> None:
    for number in (0.0, -3.0, 9999.0):
        assert clika.plan(graph(number), target="ort")["softmax_1"].precision == "quantized"


def test_what_computes_on_masked_values_ends_it() -> None:
    found = graph(-1e9)
    assert filling(found, found["masked_fill_1"]) == ("masked_fill_1", -1e9)
    assert filling(found, found["softmax_1"]) is None
    assert masked_operand(found, found["conv_2"]) is None


def test_a_mask_of_attention_may_hold_anything() -> None:
    g = GraphBuilder()
    shape = ("d0", 4, 4)
    query, key, value = (g.input(name, shape) for name in ("q", "k", "v"))
    mask = g.layer("where", g.input("m", shape, "bool"), roles=("condition",), input=0.0, other=float("-inf"))
    roles = ("query", "key", "value", "mask")
    g.output(g.layer("attention", query, key, value, mask, roles=roles, scale=0.5))
    found = g.build()
    assert masked_operand(found, found["attention_1"]) is None
    assert found["where_1"].type == "where"
