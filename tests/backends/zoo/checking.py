"""What the tests of every zoo check."""

from __future__ import annotations

import pytest

from tests.backends.zoo.entry import Entry, Zoo
from tests.backends.zoo.measuring import measure


def check(zoo: Zoo, entry: Entry) -> None:
    """That a model goes all the way, or fails where the catalogue says."""
    if entry.name in zoo.known_failures:
        with pytest.raises(Exception, match=zoo.known_failures[entry.name][0]):
            measure(zoo, entry, with_latency=False)
        return
    row = measure(zoo, entry, with_latency=False)
    assert row.faithful < 1e-5
    assert row.layers >= row.quantized
    assert row.tail >= 1
    assert row.simulated < 0.5
    assert row.deployed < 0.1


def parameters(zoo: Zoo, *, everyday: bool) -> list[object]:
    """The entries for `pytest.mark.parametrize`."""
    chosen = [entry for entry in zoo.entries() if entry.is_everyday is everyday]
    return [pytest.param(entry, id=entry.name) for entry in chosen]
