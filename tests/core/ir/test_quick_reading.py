"""The quick reader of snapshots takes what this program writes, and nothing that the strict readers refuse."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clika_core.errors import GraphError
from clika_core.ir.graph import Graph, Node
from clika_core.ir.quick_reading import read_quickly
from clika_core.ir.readers import Mismatch
from clika_core.ir.snapshot import graph_to_text
from clika_core.ir.snapshot_parts import Document, read_document
from clika_core.ir.strict_json import parse_json
from clika_core.testing import GraphBuilder
from clika_core.testing.strategies import graphs


def strictly(text: str) -> Document | None:
    """What the strict readers make of a text; None where they refuse it."""
    try:
        found: Document = read_document(parse_json(text, "it", fix=""))
    except (Mismatch, GraphError):
        return None
    return found


def full() -> str:
    """The text of a graph in which every key and kind of value occurs."""
    g = GraphBuilder()
    x = g.input("x", ("d0", 3, 8, 8))
    h = g.layer(
        "conv",
        x,
        weight=(4, 3, 1, 1),
        path="a.0",
        pads=((0, 0), (1, 1)),
        x=float("inf"),
        y=1.5,
        z=None,
        t=True,
    )
    h = g.layer("dropout", h, path="a.1")
    g.output(g.layer("flatten", h, path="a.2"))
    return graph_to_text(g.build())


@given(graph=graphs())
def test_every_graph_that_is_written_is_read(graph: Graph) -> None:
    text = graph_to_text(graph)
    assert read_quickly(text) == strictly(text) != None  # noqa: E711 - equal to both


def test_every_kind_of_value_is_read() -> None:
    assert read_quickly(full()) == strictly(full())
    found = read_quickly(full())
    assert found is not None
    assert all(type(node) is Node for node in found.nodes)


VALUES = [
    None,
    True,
    0,
    -1,
    2**65,
    1.5,
    "",
    "word",
    [],
    [1],
    {},
    {"float": "inf"},
    {"into": None},
    [["x"]],
    "layer",
]


@given(seed=st.integers(0, 2**32))
def test_what_the_strict_readers_refuse_is_not_read_quickly(seed: int) -> None:
    dice = random.Random(seed)
    document = json.loads(full())
    for _ in range(dice.randint(1, 3)):
        change(document, dice)
    text = json.dumps(document)
    quick, strict = read_quickly(text), strictly(text)
    assert quick is None or quick == strict
    assert strict is not None or quick is None


def change(document: dict[str, Any], dice: random.Random) -> None:
    """Put something else at some place in the document, take it away, or add a key."""
    place: Any = document
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = dice.choice(keys)
        inner = place[key]
        if isinstance(inner, dict | list) and inner and dice.random() < 0.8:
            place = inner
            continue
        action = dice.choice(["put", "take", "add"])
        if action == "put":
            place[key] = copy.deepcopy(dice.choice(VALUES))
        elif action == "take":
            del place[key]
        elif isinstance(place, dict):
            place["more"] = 1
        return


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        ('"port": 0', '"port": 0, "port": 0'),
        ('"type": "conv"', '"type": "linear", "type": "conv"'),
        ('"y": 1.5', '"y": 1, "y": 1.5'),
        ('"y": 1.5', '"y": NaN'),
        ('"y": 1.5', '"y": {"float": "inf", "float": "inf"}'),
        ('"path": "a.0"', '"path": "\\ud800"'),
        ('"path": "a.0"', '"path": "a\\": b"'),
    ],
)
def test_what_may_be_read_in_two_ways_is_left_to_the_strict_readers(part: str, instead: str) -> None:
    assert part in full()
    assert read_quickly(full().replace(part, instead, 1)) is None


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 10**5, '{"a": 1}', full()[:-3]])
def test_what_is_no_snapshot_is_not_read(text: str) -> None:
    assert read_quickly(text) is None
