"""What the tests of every zoo check."""

from __future__ import annotations

from typing import ClassVar

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


class ZooTests:
    """Every model of a zoo goes all the way: some of them every day, all of them at night."""

    zoo: ClassVar[Zoo]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One test for each model."""
        if "entry" in metafunc.fixturenames:
            everyday = metafunc.definition.get_closest_marker("nightly") is None
            metafunc.parametrize("entry", parameters(self.zoo, everyday=everyday))

    @pytest.mark.filterwarnings("ignore")
    def test_a_representative_model_goes_all_the_way(self, entry: Entry) -> None:
        check(self.zoo, entry)

    @pytest.mark.nightly
    @pytest.mark.filterwarnings("ignore")
    def test_every_model_goes_all_the_way(self, entry: Entry) -> None:
        check(self.zoo, entry)


def parameters(zoo: Zoo, *, everyday: bool) -> list[object]:
    """The entries for `pytest.mark.parametrize`."""
    chosen = [entry for entry in zoo.entries() if entry.is_everyday is everyday]
    return [pytest.param(entry, id=entry.name) for entry in chosen]
