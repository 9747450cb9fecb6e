"""The learning rate's factor, step by step."""

from __future__ import annotations

import math
from typing import Any

import pytest

from clika_core.training.schedule import LearningRateSchedule


def factors(schedule: LearningRateSchedule, epoch: int, steps: int) -> list[float]:
    return [schedule.factor(epoch, step, steps) for step in range(steps)]


def test_it_rises_in_each_of_the_first_epochs_and_then_stays() -> None:
    schedule = LearningRateSchedule(warmup_epochs=2, warmup_steps=4, num_epochs=3)
    rising = [0.25, 0.5, 0.75, 1, 1, 1]
    assert factors(schedule, 1, 6) == rising
    assert factors(schedule, 2, 6) == rising
    assert factors(schedule, 3, 6) == [1] * 6


def test_a_short_epoch_still_reaches_the_full_rate() -> None:
    schedule = LearningRateSchedule(warmup_epochs=1, warmup_steps=500)
    assert factors(schedule, 1, 4) == [0.25, 0.5, 0.75, 1]
    assert schedule.factor(1, 3, None) == 4 / 500


@pytest.mark.parametrize(
    "zero", [{"warmup_epochs": 0, "warmup_steps": 5}, {"warmup_epochs": 1, "warmup_steps": 0}]
)
def test_without_a_warm_up_it_begins_at_the_full_rate(zero: dict[str, Any]) -> None:
    assert factors(LearningRateSchedule(**zero), 1, 3) == [1, 1, 1]


def test_a_cosine_falls_to_zero_over_all_epochs() -> None:
    schedule = LearningRateSchedule(num_epochs=2, is_cosine=True)
    found = factors(schedule, 1, 2) + factors(schedule, 2, 2)
    assert found == pytest.approx(
        [1, (1 + math.cos(math.pi / 4)) / 2, 0.5, (1 + math.cos(3 * math.pi / 4)) / 2]
    )
    assert schedule.factor(3, 0, 2) == pytest.approx(0)
