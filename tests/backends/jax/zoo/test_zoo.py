"""Architectures in each library trace, plan, quantize and deploy; some of them every day, all of them at night."""

from __future__ import annotations

from tests.backends.jax.zoo.catalogue import ZOO
from tests.backends.zoo.checking import ZooTests


def test_every_architecture_is_there_in_every_library() -> None:
    names = {entry.name for entry in ZOO.entries()}
    assert len(names) == 30
    assert {name.partition("_")[0] for name in names} == {"nnx", "linen", "equinox"}


class TestJaxZoo(ZooTests):
    zoo = ZOO
