"""Training batches: passes, limits, datasets of every kind, and finding a place again by replay."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from clika_core.errors import DataError
from clika_core.training.feed import Feed, Position, as_batch
from clika_core.training.randomness import Randomness

Make = Callable[[], Iterable[Any]]


class Shuffled:
    """Five batches, shuffled with Python's global random numbers whenever an iteration begins."""

    def __iter__(self) -> Iterator[tuple[int, None]]:
        order = list(range(5))
        random.shuffle(order)
        return iter([(number, None) for number in order])

    def __len__(self) -> int:
        return 5


def drawing_while_it_runs() -> Iterator[tuple[int, None]]:
    """A generator, which can be read once, that draws a number for every batch."""
    for _ in range(5):
        yield random.randrange(1000), None


def epochs(feed: Feed, *limits: int | None) -> list[list[int]]:
    return [[inputs for inputs, _ in feed.epoch(limit)] for limit in limits]


def test_an_epoch_without_limit_is_one_pass(randomness: Randomness) -> None:
    first, second = epochs(Feed(Shuffled, randomness, Position(randomness.state())), None, None)
    assert sorted(first) == sorted(second) == list(range(5))
    assert first != second


def test_a_limited_epoch_goes_on_where_the_last_one_stopped(randomness: Randomness) -> None:
    found = epochs(Feed(Shuffled, randomness, Position(randomness.state())), 3, 2, 5)
    assert sorted(found[0] + found[1]) == list(range(5))
    assert sorted(found[2]) == list(range(5))


def test_a_limit_above_the_length_takes_another_pass(randomness: Randomness) -> None:
    (found,) = epochs(Feed(Shuffled, randomness, Position(randomness.state())), 12)
    assert len(found) == 12
    assert sorted(found[:5]) == sorted(found[5:10]) == list(range(5))


def test_a_dataset_is_made_once_or_before_every_epoch(randomness: Randomness) -> None:
    made: list[None] = []

    def make() -> Shuffled:
        made.append(None)
        return Shuffled()

    epochs(Feed(make, randomness, Position(randomness.state())), None, None, None)
    assert len(made) == 1
    epochs(Feed(make, randomness, Position(randomness.state()), is_reset=True), 2, 2, 2)
    assert len(made) == 4


def test_an_iterator_is_made_anew_when_it_is_used_up(randomness: Randomness) -> None:
    first, second = epochs(Feed(drawing_while_it_runs, randomness, Position(randomness.state())), None, None)
    assert (len(first), len(second)) == (5, 5)
    assert first != second


@pytest.mark.parametrize("make", [Shuffled, drawing_while_it_runs])
@pytest.mark.parametrize("is_reset", [False, True])
@pytest.mark.parametrize("limit", [None, 1, 3, 5, 7])
def test_replay_leads_to_the_very_next_batch(
    make: Make, is_reset: bool, limit: int | None, randomness: Randomness
) -> None:
    start = Position(randomness.state())
    expected = epochs(Feed(make, randomness, start, is_reset=is_reset), *[limit] * 5)
    stopped = Feed(make, randomness, start, is_reset=is_reset)
    epochs(stopped, limit, limit)
    random.seed(99)  # whatever happens in between
    again = Feed(make, randomness, stopped.position, is_reset=is_reset)
    assert epochs(again, *[limit] * 3) == expected[2:]


def test_what_draws_elsewhere_does_not_change_the_batches(randomness: Randomness) -> None:
    start = Position(randomness.state())
    expected = epochs(Feed(drawing_while_it_runs, randomness, start), None)[0]
    found = []
    for inputs, _ in Feed(drawing_while_it_runs, randomness, start).epoch(None):
        random.random()
        found.append(inputs)
    assert found == expected


def test_batches_do_not_change_what_is_drawn_elsewhere(randomness: Randomness) -> None:
    random.seed(5)
    expected = random.random()
    feed = Feed(drawing_while_it_runs, randomness, Position(randomness.state()))
    random.seed(5)
    epochs(feed, None)
    assert random.random() == expected


@pytest.mark.parametrize("limit", [None, 3])
def test_no_batch_at_all_is_an_error(limit: int | None, randomness: Randomness) -> None:
    with pytest.raises(DataError, match="the training data has no batch"):
        epochs(Feed(list, randomness, Position(randomness.state())), limit)


def test_shorter_data_than_before_is_an_error(randomness: Randomness) -> None:
    position = Position(randomness.state(), (3,), is_open=True)
    with pytest.raises(DataError, match="not what it was when training stopped"):
        Feed(lambda: [(1, None)], randomness, position)


def test_longer_data_than_before_is_an_error(randomness: Randomness) -> None:
    position = Position(randomness.state(), (3, 1), is_open=True)
    with pytest.raises(DataError, match="more than 3 batches in pass 1"):
        Feed(Shuffled, randomness, position)


@pytest.mark.parametrize("batch", [(1, 2, 3), 5, {"x": 1}, [1]])
def test_a_batch_is_a_pair(batch: Any) -> None:
    with pytest.raises(DataError, match="a batch of the dataset is no pair"):
        as_batch(batch)


def test_a_dataset_function_that_gives_no_data_is_named(randomness: Randomness) -> None:
    with pytest.raises(DataError, match="gave nothing that can be iterated"):
        epochs(Feed(lambda: 3, randomness, Position(randomness.state())), None)  # type: ignore[arg-type,return-value]
