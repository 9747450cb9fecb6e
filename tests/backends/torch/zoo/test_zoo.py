"""Architectures that people use trace, plan, quantize and deploy; ten of them every day, all of them at night."""

from __future__ import annotations

import pytest

from tests.backends.torch.zoo.catalogue import HAS_PACKAGES, KNOWN_FAILURES, entries
from tests.backends.torch.zoo.entry import Entry
from tests.backends.torch.zoo.measuring import measure

EVERY_DAY = [pytest.param(entry, id=entry.name) for entry in entries() if entry.is_everyday]
AT_NIGHT = [pytest.param(entry, id=entry.name) for entry in entries() if not entry.is_everyday]


def check(entry: Entry) -> None:
    if entry.name in KNOWN_FAILURES:
        with pytest.raises(Exception, match=KNOWN_FAILURES[entry.name][0]):
            measure(entry, with_latency=False)
        return
    row = measure(entry, with_latency=False)
    assert row.faithful < 1e-5
    assert row.layers >= row.quantized
    assert row.tail >= 1
    assert row.simulated < 0.5
    assert row.deployed < 0.1


@pytest.mark.skipif(not HAS_PACKAGES, reason="timm, torchvision and transformers come with `tox -e models`")
def test_the_packages_that_bring_most_models_are_there() -> None:
    assert len(EVERY_DAY) == 10
    assert len(EVERY_DAY) + len(AT_NIGHT) >= 45


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("entry", EVERY_DAY)
def test_a_representative_model_goes_all_the_way(entry: Entry) -> None:
    check(entry)


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("entry", AT_NIGHT)
def test_every_model_goes_all_the_way(entry: Entry) -> None:
    check(entry)
