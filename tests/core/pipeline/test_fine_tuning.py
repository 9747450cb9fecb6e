"""What fine-tuning says before it begins: of a backend that cannot train, and of arguments that are wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clika_compression import Settings, clika_compress, clika_deploy, clika_resume
from clika_core.errors import ClikaError, DataError, ModelError, StateError
from tests.core.loopback.networks import batches
from tests.core.pipeline.test_compress import network


def dataset() -> list[tuple[Any, None]]:
    return [(inputs, None) for inputs in batches(network())]


def test_a_backend_that_cannot_train_says_so_before_it_calibrates(tmp_path: Path) -> None:
    read: list[None] = []

    def counted() -> list[tuple[Any, None]]:
        read.append(None)
        return dataset()

    with pytest.raises(ModelError, match="the loopback backend cannot fine-tune"):
        clika_compress(tmp_path / "outputs", Settings(), network(), counted, counted)
    assert len(read) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"init_training_dataset_fn": [1, 2]}, "init_training_dataset_fn is no function"),
        ({"init_evaluation_dataset_fn": 3}, "init_evaluation_dataset_fn is no function"),
        ({"training_losses": len}, "training_losses are a dict by name"),
        ({"evaluation_losses": {"ce": 1}}, "cannot be called"),
        ({"training_metrics": {"accuracy": 1}}, "is no metric"),
        ({"evaluation_metrics": [len]}, "evaluation_metrics are a dict by name"),
    ],
)
def test_wrong_arguments_are_named_before_anything_is_written(
    change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    arguments: dict[str, Any] = {"init_training_dataset_fn": dataset, **change}
    with pytest.raises(DataError, match=message):
        clika_compress(tmp_path / "outputs", Settings(), network(), **arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_dataset_without_batches_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the training data has no batch"):
        clika_compress(tmp_path / "outputs", Settings(), network(), list)


@pytest.mark.parametrize(
    "use",
    [lambda path: clika_resume(path, dataset), lambda path: clika_deploy(path, path.parent / "deployed")],
)
def test_a_file_that_is_no_state_is_named(use: Callable[[Path], Any], tmp_path: Path) -> None:
    path = tmp_path / "model.pompom"
    path.write_bytes(b"\x80\x04K\x01.")  # a pickle
    with pytest.raises(StateError, match="cannot be read") as raised:
        use(path)
    assert isinstance(raised.value, ClikaError)
    assert [found.name for found in tmp_path.iterdir()] == ["model.pompom"]
