"""A function of every leaf of nested containers."""

from __future__ import annotations

from clika_core.backend.nested import mapped


def test_containers_stay_what_they_are() -> None:
    given = {"a": [1, (2, None)], "b": "text"}
    assert mapped(given, lambda leaf: leaf) == given
    assert mapped((1, [2]), str) == ("1", ["2"])
