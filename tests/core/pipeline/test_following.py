"""When ranges follow a training."""

from __future__ import annotations

from typing import Any, cast

import pytest

from clika_core.pipeline.following import FollowingRanges, epochs_followed
from clika_core.settings.model import Settings


def following(**training: Any) -> FollowingRanges:
    settings = Settings()
    for key, value in training.items():
        setattr(settings.training_settings, key, value)
    nothing = cast(Any, None)
    return FollowingRanges(
        nothing, nothing, nothing, nothing, settings, nothing, nothing, nothing, parameters=nothing
    )


@pytest.mark.parametrize(
    ("training", "expected"),
    [
        ({}, 0),
        ({"freeze_observers_after_epochs": 2}, 2),
        ({"is_training_from_scratch": True, "num_epochs": 5}, 4),
        ({"is_training_from_scratch": True, "num_epochs": 1}, 1),
        ({"is_training_from_scratch": True, "freeze_observers_after_epochs": 0}, 0),
    ],
)
def test_ranges_stay_unless_asked_for_or_from_scratch(training: dict[str, Any], expected: int) -> None:
    assert epochs_followed(following(**training).settings.training_settings) == expected


def test_they_follow_at_the_start_of_epochs_and_at_powers_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    ranges, steps = following(freeze_observers_after_epochs=2), 0
    monkeypatch.setattr(FollowingRanges, "_follow", lambda _: seen.append(steps))
    for epoch in (1, 2, 3):
        for number in range(10):
            ranges.before_batch(epoch, number, steps)
            steps += 1
    assert seen == [0, 1, 2, 4, 8, 10, 16]
