"""Architectures in each library trace, plan, quantize and deploy; some of them every day, all of them at night."""

from __future__ import annotations

import pytest

from tests.backends.jax.zoo.catalogue import ZOO
from tests.backends.zoo.checking import check, parameters
from tests.backends.zoo.entry import Entry


def test_every_architecture_is_there_in_every_library() -> None:
    names = {entry.name for entry in ZOO.entries()}
    assert len(names) == 30
    assert {name.partition("_")[0] for name in names} == {"nnx", "linen", "equinox"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("entry", parameters(ZOO, everyday=True))
def test_a_representative_model_goes_all_the_way(entry: Entry) -> None:
    check(ZOO, entry)


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("entry", parameters(ZOO, everyday=False))
def test_every_model_goes_all_the_way(entry: Entry) -> None:
    check(ZOO, entry)
