"""Global random numbers are put back exactly, whoever draws them."""

from __future__ import annotations

import random

import numpy as np
import pytest

from clika_core.errors import StateError
from clika_core.training.randomness import OwnStream, Randomness


def draws() -> list[float]:
    """One of each kind; the gaussian ones keep a second value for the next call."""
    generator = np.random  # the global one
    return [random.random(), random.gauss(), float(generator.rand()), float(generator.randn())]


def test_a_restored_state_gives_the_same_numbers(randomness: Randomness) -> None:
    randomness.seed(3)
    draws()
    state = randomness.state()
    expected = [draws(), draws()]
    randomness.restore(state)
    assert [draws(), draws()] == expected


def test_one_seed_is_one_sequence(randomness: Randomness) -> None:
    randomness.seed(7)
    first = draws()
    randomness.seed(7)
    assert draws() == first
    randomness.seed(8)
    assert draws() != first


def test_a_stream_of_its_own_goes_on_between_uses(randomness: Randomness) -> None:
    randomness.seed(1)
    stream = OwnStream(randomness, randomness.state())
    expected = [draws(), draws()]
    found = []
    for _ in range(2):
        draws()
        with stream.active():
            found.append(draws())
    assert found == expected


def test_a_stream_leaves_the_others_numbers_alone_even_after_an_error(randomness: Randomness) -> None:
    randomness.seed(2)
    stream = OwnStream(randomness, randomness.state())
    randomness.seed(3)
    expected = draws()
    randomness.seed(3)
    with pytest.raises(ZeroDivisionError), stream.active():
        _ = 1 / 0
    assert draws() == expected


def test_a_state_that_is_none_is_an_error(randomness: Randomness) -> None:
    good = dict(randomness.state())
    for broken in ({}, {**good, "python": good["python"][:5]}, {**good, "numpy": np.zeros(3, np.uint32)}):
        with pytest.raises(StateError, match="cannot be restored"):
            randomness.restore(broken)
    randomness.restore(good)
