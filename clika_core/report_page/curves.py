"""Curves of fine-tuning: every loss and metric by epoch, in training and evaluation, of one training or several.

The report's `training` lists trainings: `{"name", "history"}`, a history as `clika_core.training.summary` writes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from clika_core.report_page.shown import plain_number, significant

_TOTAL: Final = "total"
_GROUPS: Final = ("training", "evaluation")
_ORIGINAL: Final = "float model"


@dataclass(frozen=True, slots=True)
class Line:
    """One value by epoch, beside `Chart.epochs`; None where it is not known. `run` counts trainings."""

    label: str
    values: tuple[float | str | None, ...]
    group: str
    run: int = 0


@dataclass(frozen=True, slots=True)
class Chart:
    """A loss or metric: a line for every training and group, and one for the float model."""

    title: str
    epochs: tuple[int, ...]
    lines: tuple[Line, ...]

    @property
    def rows(self) -> list[tuple[int, list[str]]]:
        """The same as a table: an epoch, and the value of every line."""
        return [
            (epoch, [significant(line.values[position], 4) for line in self.lines])
            for position, epoch in enumerate(self.epochs)
        ]


def charts(report: Mapping[str, Any]) -> list[Chart]:
    """A chart for each loss and metric, the total loss first; none where nothing was trained."""
    runs = [run for run in report.get("training") or [] if len(run["history"]["epochs"]) > 1]
    return [_chart(name, runs) for name in _names(runs)]


def chart_data(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the page's script draws."""
    return [asdict(chart) for chart in charts(report)]


def _names(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """What has a chart: a single loss is the total one, and is shown once."""
    seen: dict[str, None] = {_TOTAL: None} if runs else {}
    for run in runs:
        history = run["history"]
        losses = [name for name in history["losses"] if name != _TOTAL]
        for groups in history["epochs"].values():
            for group in _GROUPS:
                seen.update(dict.fromkeys(groups.get(group, {})))
        if len(losses) == 1:
            seen.pop(losses[0], None)
    return list(seen)


def _chart(name: str, runs: Sequence[Mapping[str, Any]]) -> Chart:
    epochs = sorted({int(epoch) for run in runs for epoch in run["history"]["epochs"]})
    lines = [line for number in range(len(runs)) for line in _lines(name, runs, number, epochs)]
    original = next(
        (
            found
            for run in runs
            if (found := run["history"]["original"].get("evaluation", {}).get(name)) is not None
        ),
        None,
    )
    if original is not None:
        lines.append(Line(_ORIGINAL, (plain_number(original),) * len(epochs), "original"))
    return Chart("loss" if name == _TOTAL else name, tuple(epochs), tuple(lines))


def _lines(name: str, runs: Sequence[Mapping[str, Any]], number: int, epochs: Sequence[int]) -> list[Line]:
    known, found = runs[number]["history"]["epochs"], []
    for group in _GROUPS:
        values = tuple(plain_number(known.get(str(epoch), {}).get(group, {}).get(name)) for epoch in epochs)
        label = f"{runs[number]['name']}, {group}" if len(runs) > 1 else group
        if any(value is not None for value in values):
            found.append(Line(label, values, group, number))
    return found
