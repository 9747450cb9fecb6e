"""Architectures that people use trace, plan, quantize and deploy; ten of them every day, all of them at night."""

from __future__ import annotations

import pytest

from tests.backends.torch.zoo.catalogue import ZOO
from tests.backends.zoo.checking import ZooTests, parameters
from tests.backends.zoo.installed import has_packages


@pytest.mark.skipif(
    not has_packages(ZOO), reason="timm, torchvision and transformers come with `tox -e models`"
)
def test_the_packages_that_bring_most_models_are_there() -> None:
    assert len(parameters(ZOO, everyday=True)) == 10
    assert len(ZOO.entries()) >= 45


class TestTorchZoo(ZooTests):
    zoo = ZOO
