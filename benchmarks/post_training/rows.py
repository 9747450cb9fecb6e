"""Rows that were measured, kept in a file of `results/` that several environments fill."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

Row = Mapping[str, Any]
Key = tuple[str, str, int]


@dataclass(frozen=True)
class Rows:
    """One row for each model, each value of `column` and each seed; `page` is what is written from them."""

    file: Path
    column: str

    @property
    def page(self) -> Path:
        return self.file.with_suffix(".md")

    def read(self) -> list[Row]:
        """All of them, of those with one key the last; none where the file is missing."""
        if not self.file.exists():
            return []
        found = map(json.loads, self.file.read_text(encoding="utf-8").splitlines())
        return list({self.key_of(row): row for row in found}.values())

    def key_of(self, row: Row) -> Key:
        """What a row is one of."""
        return row["model"], row[self.column], row["seed"]

    def keep(self, row: Row) -> None:
        """Append a row: programs of several environments may run at once."""
        with self.file.open("a", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps(row) + "\n")

    def tidy(self, order: Sequence[str]) -> list[Row]:
        """The rows in the order of these names, of which the file holds no others from now on."""
        places = {name: place for place, name in enumerate(dict.fromkeys(order))}
        kept = sorted(
            self.read(), key=lambda row: (places[row["model"]], places[row[self.column]], row["seed"])
        )
        self.file.write_text("".join(json.dumps(row) + "\n" for row in kept), "utf-8", newline="\n")
        return kept


COMPARISON: Final = Rows(Path(__file__).parents[1] / "results" / "post_training.jsonl", "tool")
