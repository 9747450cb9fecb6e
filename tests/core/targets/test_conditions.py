"""Conditions of kernels: each holds, or gives its reason, from the graph alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from clika_core.targets.conditions import (
    absorbed_by_conv,
    all_of,
    attends,
    average_of_whole_windows,
    float_operands,
    global_pool,
    mean_over_space,
    moves_data,
    only_input_computed,
    same_rank,
    serves_integers,
    unscaled,
    weight_on_the_right,
)
from clika_core.targets.target import Condition
from clika_core.testing import Built, GraphBuilder

Make = Callable[[GraphBuilder, Built], Built]
HEIGHT = ((0, 0), (0, 0), (1, 1), (0, 0))


def reason(condition: Condition, make: Make, shape: tuple[int | str, ...] = ("d0", 4, 6, 6)) -> str | None:
    """What the condition says of the first layer that `make` adds."""
    g = GraphBuilder()
    g.output(make(g, g.input("x", shape)))
    graph = g.build()
    return condition(graph, graph.layers[0])


def layer(type_name: str, **named: object) -> Make:
    return lambda g, x: g.layer(type_name, x, **named)  # type: ignore[arg-type]


def padded(readers: tuple[str, ...], pads: tuple[tuple[int, int], ...] = HEIGHT, **named: object) -> Make:
    """A padding with readers of these types."""

    def make(g: GraphBuilder, x: Built) -> Built:
        y = g.layer("pad", x, pads=pads, **named)  # type: ignore[arg-type]
        ends = [
            g.layer(type_name, y, **({"weight": (4, 4, 1, 1)} if type_name == "conv" else {}))  # type: ignore[arg-type]
            for type_name in readers
        ]
        return ends[-1] if ends else y

    return make


def attention(**named: object) -> Make:
    """A value's attention to itself, the same value as mask."""
    return lambda g, x: g.layer("attention", x, x, x, x, **named)  # type: ignore[arg-type]


def moved(role: str) -> Make:
    """A value that attention reads in this role, behind two movements."""

    def make(g: GraphBuilder, x: Built) -> Built:
        read = dict.fromkeys(("query", "key", "value"), x)
        read[role] = g.layer("expand", g.layer("unsqueeze", x, axes=(1,)), shape=(2, 1, 4, 6, 6))
        return g.layer("attention", *read.values(), roles=tuple(read), scale=0.5)

    return make


INTEGERS = serves_integers(lambda: {"add", "relu", "linear", "reshape"})


def read_by(*readers: str, between: int = 0) -> Make:
    """A sum with readers of these types, or sums between it and them."""

    def make(g: GraphBuilder, x: Built) -> Built:
        y = g.layer("add", x, x)
        for _ in range(between):
            y = g.layer("add", y, x)
        for type_name in readers:
            g.output(g.layer(type_name, y, **({"weight": (6, 6)} if type_name == "linear" else {})))  # type: ignore[arg-type]
        return y

    return make


CASES: dict[str, tuple[Condition, Make, str | None]] = {
    "sum for integers": (INTEGERS, read_by("relu", "linear"), None),
    "sum for the output": (INTEGERS, read_by(), None),
    "sum for weights and floats": (INTEGERS, read_by("layer_norm", "linear"), None),
    "sum for what moves": (INTEGERS, read_by("permute"), None),
    "sum for floats": (
        INTEGERS,
        read_by("relu", "layer_norm"),
        "it would round for layer_norm alone, which computes on floats",
    ),
    "sum of sums for floats": (
        INTEGERS,
        read_by("gelu", between=2),
        "it would round for gelu alone, which computes on floats",
    ),
    "global pool": (global_pool, layer("adaptive_avg_pool", output_size=(1, 1)), None),
    "pool in equal parts": (global_pool, layer("adaptive_avg_pool", output_size=(3, 2)), None),
    "pool in uneven parts": (
        global_pool,
        layer("adaptive_avg_pool", output_size=(4, 2)),
        "output size (4, 2) does not divide the input size (6, 6)",
    ),
    "pool without a size": (
        global_pool,
        layer("adaptive_avg_pool"),
        "output size None does not divide the input size (2, 4, 6, 6)",
    ),
    "mean over space": (mean_over_space, layer("mean", axes=(2, 3)), None),
    "mean over one axis": (
        mean_over_space,
        layer("mean", axes=(3,)),
        "it averages axes (3,), not all spatial ones",
    ),
    "pad for convolutions": (absorbed_by_conv, padded(("conv", "conv")), None),
    "pad for others": (
        absorbed_by_conv,
        padded(("relu", "conv")),
        "it is no spatial padding read by convolutions alone",
    ),
    "pad for the output": (
        absorbed_by_conv,
        padded(()),
        "it is no spatial padding read by convolutions alone",
    ),
    "pad of channels": (
        absorbed_by_conv,
        padded(("conv",), ((0, 0), (1, 0), (0, 0), (0, 0))),
        "it is no spatial padding read by convolutions alone",
    ),
    "pad with a number": (absorbed_by_conv, padded(("conv",), value=2.0), "it pads with 2.0"),
    "pad by reflection": (absorbed_by_conv, padded(("conv",), mode="reflect"), "it pads with reflect"),
    "plain average": (average_of_whole_windows, layer("avg_pool", padding=((1, 1), (1, 1))), None),
    "average rounded up": (
        average_of_whole_windows,
        layer("avg_pool", padding=((0, 0), (0, 0)), ceil_mode=True),
        None,
    ),
    "average padded, rounded up": (
        average_of_whole_windows,
        layer("avg_pool", padding=((1, 1), (0, 0)), ceil_mode=True),
        "its last windows reach beyond the padding they count",
    ),
    "average that counts no padding": (
        average_of_whole_windows,
        layer("avg_pool", padding=((1, 1), (0, 0)), ceil_mode=True, count_include_pad=False),
        None,
    ),
    "average with a divisor": (average_of_whole_windows, layer("avg_pool", divisor=3), "it divides by 3"),
    "weight on the right": (weight_on_the_right, layer("matmul", weights={"other": (6, 6)}), None),
    "weight on the left": (
        weight_on_the_right,
        layer("matmul", weights={"input": (6, 6)}),
        "its first operand is the weight",
    ),
    "constant bias": (only_input_computed, layer("linear", weight=(3, 6), bias=(3,)), None),
    "computed bias": (
        only_input_computed,
        lambda g, x: g.layer("linear", x, x, roles=("input", "bias"), weight=(3, 6)),
        "its bias is computed",
    ),
    "attention": (attends, attention(scale=0.5), None),
    "attention of a free width": (attends, attention(), "its scale follows from a free size"),
    "attention in float16": (
        attends,
        lambda g, _: g.layer("attention", *[g.input(n, (2, 3, 4), "float16") for n in "qkv"], scale=0.5),
        "it computes in float16",
    ),
    "attention of constants": (
        attends,
        lambda g, x: g.layer(
            "attention",
            x,
            roles=("mask",),
            weights=dict.fromkeys(("query", "key", "value"), (3, 4)),
            scale=0.5,
        ),
        "its queries, keys and values are constants",
    ),
    "a moved mask": (moves_data, moved("mask"), "it moves a mask, which is added to real numbers"),
    "a moved key": (moves_data, moved("key"), None),
    "plain sum": (unscaled, layer("add", other=2.0), None),
    "weighted sum": (unscaled, layer("add", other=2.0, alpha=3), "it multiplies an operand by 3"),
    "moved data": (moves_data, layer("flatten"), None),
    "looked up constant": (
        moves_data,
        lambda g, _: g.layer(
            "gather", g.input("i", ("d0",), "int64"), weights={"input": (9, 3)}, shape=("d0", 3)
        ),
        "it moves a constant",
    ),
    "moved integers": (
        moves_data,
        lambda g, _: g.layer("flatten", g.input("i", ("d0", 2, 2), "int64")),
        "it moves a constant",
    ),
    "repeats of its axes": (same_rank, layer("repeat", repeats=(1, 2, 1, 1)), None),
    "repeats of new axes": (same_rank, layer("repeat", repeats=(2, 1, 2, 1, 1)), "it adds axes"),
    "floating operands": (float_operands, layer("add", other=1.0), None),
    "an integer operand": (
        float_operands,
        lambda g, x: g.layer("mul", x, g.input("i", ("d0", 1, 1, 1), "int64")),
        "operand other is not floating point",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_condition_holds_or_gives_its_reason(case: str) -> None:
    condition, make, expected = CASES[case]
    assert reason(condition, make) == expected


def test_a_mean_needs_spatial_axes() -> None:
    assert (
        reason(mean_over_space, layer("mean", axes=()), ("d0", 4))
        == "it averages axes (), not all spatial ones"
    )


def test_of_several_conditions_the_first_reason_is_given() -> None:
    def holds(*_: object) -> None:
        return None

    def first(*_: object) -> str:
        return "first"

    def second(*_: object) -> str:
        return "second"

    assert reason(all_of(holds, holds), layer("relu")) is None
    assert reason(all_of(holds, first, second), layer("relu")) == "first"
