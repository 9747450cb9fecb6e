"""Curves of fine-tuning, from what a report says of trainings."""

from __future__ import annotations

from typing import Any

import pytest

from clika_core.report_page.curves import charts
from clika_core.training.summary import History
from tests.core.pictures import networks
from tests.core.report_page.open_page import OpenPage
from tests.core.report_page.test_page import page_of


def history(first: float, *, losses: tuple[str, ...] = ("ce", "total")) -> dict[str, Any]:
    """Three epochs: the state before training, and two of training."""
    found = History(original={"evaluation": {"total": 0.1, "top1": 0.99}}, losses=losses)
    for epoch in range(3):
        evaluation = {"ce": first - epoch, "total": first - epoch, "top1": 0.3 * (epoch + 1)}
        training = {} if epoch == 0 else {"ce": first / epoch, "total": first / epoch}
        found = found.with_epoch(epoch, {"training": training, "evaluation": evaluation})
    return found.to_json()


def test_a_report_without_training_has_no_chart() -> None:
    assert charts({}) == []
    assert charts({"training": [{"name": "a", "history": History().to_json()}]}) == []


def test_each_value_has_a_chart_and_a_single_loss_only_one() -> None:
    loss, top1 = charts({"training": [{"name": "a", "history": history(3.0)}]})
    assert (loss.title, loss.epochs) == ("loss", (0, 1, 2))
    assert [(line.label, line.values) for line in loss.lines] == [
        ("training", (None, 3.0, 1.5)),
        ("evaluation", (3.0, 2.0, 1.0)),
        ("float model", (0.1, 0.1, 0.1)),
    ]
    assert top1.title == "top1"
    assert top1.rows[2] == (2, ["0.9000", "0.9900"])


def test_two_trainings_stand_in_the_same_chart() -> None:
    runs = [{"name": name, "history": history(first)} for name, first in (("a", 3.0), ("b", 2.0))]
    labels = [line.label for line in charts({"training": runs})[0].lines]
    assert labels == ["a, training", "a, evaluation", "b, training", "b, evaluation", "float model"]


def test_two_losses_are_shown_beside_their_total() -> None:
    found = charts({"training": [{"name": "a", "history": history(3.0, losses=("ce", "size", "total"))}]})
    assert [chart.title for chart in found] == ["loss", "ce", "top1"]


@pytest.mark.usefixtures("graphviz", "browser")
@pytest.mark.parametrize("dark", [False, True])
def test_the_curves_are_drawn(opened: OpenPage, dark: bool) -> None:
    runs = [{"name": name, "history": history(first)} for name, first in (("a", 3.0), ("b", 2.0))]
    opened.open(page_of(networks.residual(), report={"training": runs}), dark=dark)
    assert opened.ask("document.querySelectorAll('#curves canvas').length") == 2
    assert opened.ask("[...document.querySelectorAll('#curves .u-title')].map(e => e.textContent)") == [
        "loss",
        "top1",
    ]
    colours = opened.ask(
        "(c => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size)"
        "(document.querySelector('#curves canvas'))"
    )
    assert colours > 10  # an empty canvas has one
