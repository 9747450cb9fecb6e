"""Several processes train as one does with the same global batches: `jax.distributed`, here on loopback."""

from __future__ import annotations

from pathlib import Path

import pytest

from clika_core.pipeline.saved_state import SavedState
from tests.backends.jax.together import started
from tests.backends.together import EPOCHS, assert_same_sensitivities, assert_same_training, summary


def assert_same(one: Path, many: Path) -> None:
    assert_same_training(one, many)
    assert_same_sensitivities(one, many)


@pytest.mark.nightly
def test_two_processes_train_as_one(tmp_path: Path) -> None:
    started(tmp_path / "alone", 1, "plain", "learned")
    started(tmp_path / "both", 2, "plain", "learned")
    for name in ("plain", "learned"):
        assert_same(tmp_path / "alone" / name, tmp_path / "both" / name)
        assert len(list((tmp_path / "both" / name / "logs").iterdir())) == 1
    states = [SavedState.load(state(tmp_path / each / "plain")) for each in ("alone", "both")]
    assert states[0].parameters == states[1].parameters


@pytest.mark.nightly
def test_a_training_goes_on_with_another_number_of_processes(tmp_path: Path) -> None:
    started(tmp_path, 2, "learned")
    last = state(tmp_path / "learned")
    expected, before = last.read_bytes(), summary(tmp_path / "learned", EPOCHS)
    last.unlink()
    started(tmp_path, 2, "learned", action="resume")
    assert last.read_bytes() == expected
    last.unlink()
    started(tmp_path, 1, "learned", action="resume")
    assert summary(tmp_path / "learned", EPOCHS)["accuracy"] == pytest.approx(before["accuracy"], abs=0.005)


def state(folder: Path) -> Path:
    return folder / f"epoch_{EPOCHS}" / "model.pompom"
