"""Summaries: every loss and metric of an epoch with its best so far, the original model's value and the last one's.

    epoch_N/summary.json   {"epoch": N, "training": {name: entry}, "evaluation": {name: entry}}
    entry                  {"value", "best", "best_epoch", "original", "difference", "previous"}
    best                   one line: the folder of the best epoch

What is best: a loss is better the lower it is; a metric of the user's may be either way, so that `best` and
`best_epoch` of a metric are those of the highest value, and `lowest`, `lowest_epoch` say the other.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from clika_core.training.losses import TOTAL

TRAINING: Final = "training"
EVALUATION: Final = "evaluation"
Values = Mapping[str, float]


@dataclass(frozen=True)
class History:
    """Values of every epoch so far, by group and name; `original` are those of the float model."""

    epochs: Mapping[int, Mapping[str, Values]] = field(default_factory=dict)
    original: Mapping[str, Values] = field(default_factory=dict)
    losses: tuple[str, ...] = ()  # names that are better the lower they are

    def with_epoch(self, epoch: int, values: Mapping[str, Values], losses: Collection[str] = ()) -> History:
        """The history with one more epoch; those after it, of an earlier run, are dropped."""
        kept = {number: found for number, found in self.epochs.items() if number < epoch}
        names = tuple(sorted({*self.losses, *losses}))
        return replace(self, epochs={**kept, epoch: values}, losses=names)

    def best_epoch(self, among: Collection[int]) -> int | None:
        """Of `among`, the epoch with the lowest total loss, in evaluation where there is one, else in training."""
        for group in (EVALUATION, TRAINING):
            found = {epoch: value for epoch, value in self._of(group, TOTAL).items() if epoch in among}
            if found:
                return min(found, key=lambda epoch: (found[epoch], epoch))
        return max(among, default=None)

    def summary(self, epoch: int) -> dict[str, Any]:
        """What `summary.json` holds for an epoch."""
        groups = self.epochs[epoch]
        return {
            "epoch": epoch,
            **{
                group: {name: self._entry(group, name, epoch) for name in groups.get(group, {})}
                for group in (TRAINING, EVALUATION)
            },
        }

    def _entry(self, group: str, name: str, epoch: int) -> dict[str, Any]:
        known = {number: value for number, value in self._of(group, name).items() if number <= epoch}
        lowest = min(known, key=lambda number: (known[number], number))
        highest = max(known, key=lambda number: (known[number], -number))
        best = lowest if name in self.losses else highest
        value, original = known[epoch], self.original.get(group, {}).get(name)
        entry = {
            "value": value,
            "best": known[best],
            "best_epoch": best,
            "original": original,
            "difference": None if original is None else value - original,
            "previous": known.get(epoch - 1),
        }
        return entry if name in self.losses else {**entry, "lowest": known[lowest], "lowest_epoch": lowest}

    def _of(self, group: str, name: str) -> dict[int, float]:
        return {
            number: groups[group][name]
            for number, groups in self.epochs.items()
            if name in groups.get(group, {})
        }

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "epochs": {str(number): groups for number, groups in self.epochs.items()},
            "original": dict(self.original),
            "losses": list(self.losses),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> History:
        """The inverse of `to_json`."""
        epochs = {int(number): groups for number, groups in data["epochs"].items()}
        return cls(epochs, data["original"], tuple(data["losses"]))


def summary_text(summary: Mapping[str, Any]) -> str:
    """The content of `summary.json`."""
    return json.dumps(summary, indent=2, allow_nan=False) + "\n"
