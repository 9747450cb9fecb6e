"""Summaries say what an epoch reached, beside the best so far and the original model."""

from __future__ import annotations

import json

from clika_core.training.summary import History, summary_text


def history() -> History:
    found = History(original={"evaluation": {"accuracy": 0.9}})
    for epoch, (loss, accuracy) in enumerate([(3.0, 0.1), (1.0, 0.8), (2.0, 0.7)]):
        values = {"training": {"total": loss}, "evaluation": {"total": loss, "accuracy": accuracy}}
        found = found.with_epoch(epoch, values, ["total"])
    return found


def test_a_loss_is_best_where_it_is_lowest_and_a_metric_where_it_is_highest() -> None:
    summary = history().summary(2)
    assert summary["epoch"] == 2
    assert summary["training"]["total"] == {
        "value": 2.0,
        "best": 1.0,
        "best_epoch": 1,
        "original": None,
        "difference": None,
        "previous": 1.0,
    }
    accuracy = summary["evaluation"]["accuracy"]
    assert (accuracy["best"], accuracy["best_epoch"], accuracy["lowest"], accuracy["lowest_epoch"]) == (
        0.8,
        1,
        0.1,
        0,
    )
    assert accuracy["original"] == 0.9
    assert accuracy["difference"] == 0.7 - 0.9


def test_best_so_far_knows_no_later_epoch() -> None:
    assert history().summary(0)["evaluation"]["accuracy"]["best_epoch"] == 0


def test_the_best_epoch_is_that_of_the_lowest_loss_among_the_saved() -> None:
    assert history().best_epoch({0, 1, 2}) == 1
    assert history().best_epoch({0, 2}) == 2
    assert history().best_epoch(set()) is None
    assert History().best_epoch({3, 4}) == 4


def test_an_earlier_run_s_later_epochs_are_dropped() -> None:
    again = history().with_epoch(1, {"training": {"total": 0.5}, "evaluation": {}})
    assert sorted(again.epochs) == [0, 1]


def test_it_survives_json() -> None:
    found = history()
    assert History.from_json(json.loads(json.dumps(found.to_json()))) == found
    assert json.loads(summary_text(found.summary(1))) == found.summary(1)
