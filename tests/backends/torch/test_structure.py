"""Nested values are taken apart into paths and put together again as they were."""

from __future__ import annotations

from collections import OrderedDict, UserDict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest
import torch

from clika_torch.structure import flatten


class Point(NamedTuple):
    x: Any
    y: Any


@dataclass
class Box:
    low: Any
    high: Any
    area: Any = field(init=False, default=None)


@dataclass(frozen=True, slots=True)
class Frozen:
    value: Any


class Cache:
    """An object of a library, with its layers in a list."""

    def __init__(self, *keys: Any) -> None:
        self.layers = [{"key": key} for key in keys]
        self.kind = Cache


A, B = torch.zeros(1), torch.ones(2)

CASES: list[tuple[Any, list[str]]] = [
    (A, [""]),
    ((A, B), ["0", "1"]),
    ({"logits": A, "cache": [(A, B), None]}, ["logits", "cache.0.0", "cache.0.1"]),
    (OrderedDict(b=A, a=B), ["b", "a"]),
    (Point(A, [B]), ["x", "y.0"]),
    (Box(A, {"k": B}), ["low", "high.k"]),
    (Frozen((A, 3)), ["value.0"]),
    ({"n": 3, "name": "x", "none": None}, []),
]


@pytest.mark.parametrize(("value", "paths"), CASES)
def test_a_value_comes_back_with_the_leaves_that_are_given(value: Any, paths: list[str]) -> None:
    flat = flatten(value)
    assert list(flat.leaves) == paths
    marks = list(range(len(paths)))
    rebuilt = flat.build(marks)
    assert type(rebuilt) is (int if paths == [""] else type(value))
    again = flatten(flat.build(list(flat.leaves.values())))
    assert list(again.leaves.values()) == list(flat.leaves.values()) or not paths
    assert again.constants == flat.constants


def test_fields_that_a_constructor_does_not_take_come_back_too() -> None:
    box = Box(A, A)
    box.area = B
    rebuilt = flatten(box).build([1, 2, 3])
    assert (rebuilt.low, rebuilt.high, rebuilt.area) == (1, 2, 3)


def test_other_mappings_become_dicts() -> None:
    assert flatten(UserDict(a=A)).build([1]) == {"a": 1}


def test_other_objects_are_opened_where_they_hold_arrays() -> None:
    flat = flatten({"cache": Cache(A, B), "empty": Cache()})
    assert list(flat.leaves) == ["cache.layers.0.key", "cache.layers.1.key"]
    rebuilt = flat.build([1, 2])
    assert isinstance(rebuilt["cache"], Cache)
    assert rebuilt["cache"].layers == [{"key": 1}, {"key": 2}]
    assert "empty" in flat.constants


def test_what_contains_itself_is_constant_there() -> None:
    cache = Cache(A)
    cache.layers.append({"key": cache})
    flat = flatten(cache)
    assert list(flat.leaves) == ["layers.0.key"]
    assert flat.constants["layers.1.key"] is cache


def test_constants_have_paths() -> None:
    assert flatten({"a": [A, 2], "b": None}).constants == {"a.1": 2, "b": None}


def test_arrays_can_be_let_go() -> None:
    flat = flatten({"a": A, "b": 1}).without_arrays()
    assert (dict(flat.leaves), flat.build([B])) == ({"a": None}, {"a": B, "b": 1})
