"""The vocabulary: traits, roles, multiply-accumulates, bounds."""

from __future__ import annotations

import re

import pytest

from clika_core.ir.operators import (
    OPERATORS,
    Trait,
    activation,
    arithmetic,
    is_weighted,
    movement,
    normalisation,
    trait_of,
    weighted,
)
from clika_core.testing import GraphBuilder

FAMILIES = (weighted, activation, normalisation, arithmetic, movement)


def test_no_operator_stands_in_two_families() -> None:
    names = [entry.name for family in FAMILIES for entry in family.ENTRIES]
    assert sorted(names) == sorted(OPERATORS)


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_an_entry_is_well_formed(name: str) -> None:
    entry = OPERATORS[name]
    assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
    assert entry.operands
    assert all(not operand.endswith("*") for operand in entry.operands[:-1])
    roles = {entry.role(position) for position in range(20 if entry.operands[-1].endswith("*") else 0)}
    assert set(entry.index_operands) <= roles | set(entry.operands)
    if entry.multiply_accumulates:
        assert entry.weight_operands


@pytest.mark.parametrize(
    ("type_name", "weights", "trait"),
    [
        ("conv", {"weight": (4, 3, 1, 1)}, Trait.WEIGHTED),
        ("conv", {}, Trait.COMPUTING),
        ("conv", {"bias": (4,)}, Trait.COMPUTING),
        ("matmul", {"other": (8, 8)}, Trait.WEIGHTED),
        ("matmul", {}, Trait.COMPUTING),
        ("batch_norm", {"weight": (8,)}, Trait.COMPUTING),
        ("layer_norm", {"weight": (8,)}, Trait.COMPUTING),
        ("prelu", {"weight": (8,)}, Trait.COMPUTING),
        ("add", {"other": (8,)}, Trait.COMPUTING),
        ("reshape", {}, Trait.TRANSPARENT),
        ("max_pool", {}, Trait.TRANSPARENT),
        ("constant", {"value": (8,)}, Trait.TRANSPARENT),
        ("dropout", {}, Trait.REMOVED),
        ("never_heard_of", {}, Trait.COMPUTING),
    ],
)
def test_the_trait_of_a_layer_depends_on_its_type_and_its_weights(
    type_name: str, weights: dict[str, tuple[int, ...]], trait: Trait
) -> None:
    g = GraphBuilder()
    g.layer(type_name, g.input("x"), roles=("input",), weights=weights)
    (node,) = g.build().layers
    assert trait_of(node) is trait
    assert is_weighted(node) is (trait is Trait.WEIGHTED)


def test_repeated_operands_are_numbered() -> None:
    assert [OPERATORS["concat"].role(position) for position in (0, 2)] == ["inputs.0", "inputs.2"]
    assert [OPERATORS["index"].role(position) for position in (0, 1, 2)] == [
        "input",
        "indices.0",
        "indices.1",
    ]
    assert [OPERATORS["add"].role(position) for position in (0, 1)] == ["input", "other"]


def test_multiply_accumulates_are_counted_for_the_example() -> None:
    g = GraphBuilder(sizes={"d0": 1})
    x = g.input("x", ("d0", 3, 8, 8))
    g.layer("conv", x, weight=(16, 3, 3, 3))
    g.layer("conv", x, weight=(3, 1, 3, 3), groups=3)
    y = g.input("y", ("d0", 5, 8))
    g.layer("linear", y, weight=(4, 8))
    g.layer("matmul", y, weights={"other": (8, 2)})
    z = g.input("z", ("d0", 3, 4, 4))
    g.layer(
        "conv_transpose", z, weight=(3, 6, 2, 2), strides=(2, 2), shape=("d0", 6, 8, 8), weight_output_axis=1
    )
    counts = []
    for node in g.build().layers:
        count = OPERATORS[node.type].multiply_accumulates
        counts.append(count(node) if count else None)
    assert counts == [
        16 * 64 * 27,  # outputs x input channels x kernel
        3 * 64 * 9,  # depthwise: one input channel per output channel
        5 * 4 * 8,
        5 * 2 * 8,
        3 * 16 * 6 * 4,  # inputs x output channels x kernel
    ]


@pytest.mark.parametrize(
    ("type_name", "attributes", "bounds"),
    [
        ("relu", {}, (0.0, None)),
        ("relu6", {}, (0.0, 6.0)),
        ("clamp", {"min": -1, "max": 1.5}, (-1.0, 1.5)),
        ("clamp", {"min": None}, (None, None)),
    ],
)
def test_an_activation_that_is_a_clamp_says_its_bounds(
    type_name: str, attributes: dict[str, float | None], bounds: tuple[float | None, float | None]
) -> None:
    entry = OPERATORS[type_name]
    assert entry.bounds is not None
    assert entry.bounds(attributes) == bounds
