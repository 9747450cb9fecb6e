"""`get_path_to_best_clika_state_result`: the best epoch's saved state, by any key of the summaries."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from clika_core.errors import StateError, nearest
from clika_core.training.pompom import FILE_NAME

SUMMARY: Final = "summary.json"
_EPOCH: Final = re.compile(r"epoch_(\d+)")


def get_path_to_best_clika_state_result(
    output_dir: str | Path,
    key_name: str,
    summary_json_group: str = "evaluation",
    find_lowest: bool = False,
) -> str:
    """The path of the `.pompom` of the epoch whose `key_name` is highest, or lowest; the first one of equals.

    `key_name` is a loss or metric in a group of `summary.json`; those that are dicts are `<metric>_<subkey>`.
    Epochs that were not saved do not count. Raises StateError where there is no such key or no summary.
    """
    found: dict[int, float] = {}
    known: set[str] = set()
    for epoch, summary in _summaries(Path(output_dir)):
        group = summary.get(summary_json_group)
        if isinstance(group, dict):
            known.update(group)
            entry = group.get(key_name)
            if isinstance(entry, dict):
                found[epoch] = float(entry["value"])
    if not found:
        close = nearest(key_name, sorted(known))
        raise StateError(
            f"no saved epoch in {output_dir} has {key_name!r} under {summary_json_group!r}",
            found=", ".join(sorted(known)) or "no summary of that group",
            fix=f"did you mean {close[0]!r}?" if close else "see the epoch_N/summary.json files",
        )
    sign = 1 if find_lowest else -1
    best = min(found, key=lambda epoch: (sign * found[epoch], epoch))
    return str(Path(output_dir) / f"epoch_{best}" / FILE_NAME)


def _summaries(folder: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for place in folder.glob("epoch_*"):
        name = _EPOCH.fullmatch(place.name)
        if name and (place / FILE_NAME).is_file() and (place / SUMMARY).is_file():
            try:
                summary = json.loads((place / SUMMARY).read_text(encoding="utf-8"))
            except ValueError as error:
                raise StateError(f"{place / SUMMARY} is no JSON", found=str(error)) from error
            yield int(name[1]), summary
