"""What may look on while a model trains."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Callback:
    """Methods to override; each does nothing. Exceptions end the training."""

    def on_start(self, folder: Path, report: Mapping[str, Any]) -> None:
        """Training begins; `folder` holds pictures and report, `report` what `clika_report.json` holds."""

    def on_step(self, step: int, values: Mapping[str, float]) -> None:
        """An optimizer's step is done; `step` counts from 1 over all epochs."""

    def on_epoch(self, epoch: int, summary: Mapping[str, Any]) -> None:
        """An epoch is done and its state saved; `summary` is what `summary.json` holds."""

    def on_end(self) -> None:
        """Training ended, be it by an error."""
