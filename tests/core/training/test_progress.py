"""What the user reads while a model trains."""

from __future__ import annotations

from clika_core.training.progress import MovingAverage, StepLines, Stopwatch, duration, epoch_lines
from clika_core.training.summary import History


def test_a_moving_average_forgets() -> None:
    average = MovingAverage(2)
    assert average.value == 0
    assert [average.add(value) for value in (1.0, 3.0, 5.0)] == [1.0, 2.0, 4.0]


def test_a_line_says_everything_at_its_interval_and_at_the_end() -> None:
    said: list[str] = []
    lines = StepLines(said.append, interval=2, window=2, num_epochs=9)
    for step in range(1, 6):
        lines.step(3, step, 5, {"ce": float(step)}, Stopwatch(5), 0.01, 3 * 2**20)
    assert len(said) == 3
    assert said[0] == (
        "epoch 3/9, step 2/5: ce 2 (mean 1.5), learning rate 0.01, data 0.000 s, iteration 0.000 s, "
        "left 0:00, memory 3 MiB"
    )
    assert "step 4/5: ce 4 (mean 3.5)" in said[1]
    assert "step 5/5" in said[2]


def test_without_a_known_length_no_time_is_promised() -> None:
    said: list[str] = []
    StepLines(said.append, interval=1, window=1, num_epochs=1).step(
        1, 1, None, {"ce": 1.0}, Stopwatch(1), 0.1, None
    )
    assert "left" not in said[0]
    assert "memory" not in said[0]


def test_durations() -> None:
    assert [duration(seconds) for seconds in (0, 61.4, 3723)] == ["0:00", "1:01", "1:02:03"]


def test_the_table_of_an_epoch_shows_best_original_and_difference() -> None:
    history = History(original={"evaluation": {"accuracy": 0.75}})
    history = history.with_epoch(1, {"training": {"total": 2.0}, "evaluation": {"accuracy": 0.5}}, ["total"])
    assert list(epoch_lines(history.summary(1))) == [
        "epoch 1: summary",
        "  training total: 2 (best 2 in epoch 1)",
        "  evaluation accuracy: 0.5 (best 0.5 in epoch 1, original 0.75, difference -0.25)",
    ]
