"""Several processes train as one does with the same global batches: `torchrun`'s, here on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from clika_core.pipeline.saved_state import SavedState
from tests.backends.together import EPOCHS, assert_same_sensitivities, assert_same_training, summary
from tests.backends.torch.together import started, train


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What one process gives."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("alone")
    for name in ("plain", "learned"):
        train(folder, name)
    yield folder
    torch.set_num_threads(threads)


def assert_same(one: Path, many: Path) -> None:
    assert_same_training(one, many)
    assert_same_sensitivities(one, many)


def test_two_processes_train_as_one(alone: Path, tmp_path: Path) -> None:
    started(tmp_path, 2, "plain", "learned_sharded")
    for name in ("plain", "learned_sharded"):
        assert_same(alone / name.removesuffix("_sharded"), tmp_path / name)
        assert (tmp_path / f"{name}.0").is_file()
        assert not (tmp_path / f"{name}.1").exists()  # callbacks are the first one's
        assert len(list((tmp_path / name / "logs").iterdir())) == 1
    parameters = [
        SavedState.load(state(folder)).parameters for folder in (alone / "plain", tmp_path / "plain")
    ]
    assert parameters[0] == parameters[1]


@pytest.mark.nightly
def test_learned_scales_train_as_in_one_process(alone: Path, tmp_path: Path) -> None:
    started(tmp_path, 3, "learned", "learned_sharded", "sharded", "offloaded", "divided")
    for name in ("sharded", "offloaded"):
        assert_same(alone / "plain", tmp_path / name)
    for name in ("learned", "learned_sharded"):
        assert_same(alone / "learned", tmp_path / name)
    assert summary(tmp_path / "divided", EPOCHS)["accuracy"] > 0.8


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["learned", "learned_sharded"])
def test_a_training_goes_on_with_another_number_of_processes(name: str, tmp_path: Path) -> None:
    started(tmp_path, 2, name)
    last = state(tmp_path / name)
    expected = last.read_bytes()
    last.unlink()
    started(tmp_path, 2, name, action="resume")
    assert last.read_bytes() == expected
    before = summary(tmp_path / name, EPOCHS)
    last.unlink()
    started(tmp_path, 1, name, action="resume")
    assert summary(tmp_path / name, EPOCHS)["accuracy"] == pytest.approx(before["accuracy"], abs=0.005)


def state(folder: Path) -> Path:
    return folder / f"epoch_{EPOCHS}" / "model.pompom"
