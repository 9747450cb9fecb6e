"""The best epoch by a key of the summaries, as the guide's helper finds it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clika_compression.utils import get_path_to_best_clika_state_result
from clika_core.errors import StateError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three epochs; the best one was not saved."""
    for epoch, score in enumerate([0.5, 0.7, 0.7, 0.9]):
        place = tmp_path / f"epoch_{epoch}"
        place.mkdir()
        entry = {"value": score}
        summary = {"epoch": epoch, "training": {"total": {"value": -score}}, "evaluation": {"map_50": entry}}
        (place / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
        if epoch < 3:
            (place / "model.pompom").touch()
    (tmp_path / "epoch_x").mkdir()
    return tmp_path


def test_the_highest_is_best_and_the_first_of_equals(folder: Path) -> None:
    best = get_path_to_best_clika_state_result(str(folder), "map_50")
    assert best == str(folder / "epoch_1" / "model.pompom")


def test_the_lowest_where_that_is_asked_for(folder: Path) -> None:
    assert "epoch_0" in get_path_to_best_clika_state_result(folder, "map_50", find_lowest=True)
    assert "epoch_1" in get_path_to_best_clika_state_result(folder, "total", "training", True)


def test_a_misspelt_key_is_corrected(folder: Path) -> None:
    with pytest.raises(StateError, match=r"(?s)has 'map_05' under 'evaluation'.*did you mean 'map_50'"):
        get_path_to_best_clika_state_result(folder, "map_05")
    with pytest.raises(StateError, match="no summary of that group"):
        get_path_to_best_clika_state_result(folder / "nothing", "map_50")
