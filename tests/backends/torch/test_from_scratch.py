"""Training from scratch with PyTorch; see `tests.backends.from_scratch`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from clika_compression import clika_compress
from clika_core.errors import SettingsError
from tests.backends.from_scratch import OwnPass, assert_learns, assert_trains_as_the_framework
from tests.backends.torch.small_training import SmallClassifier, accuracy, loader
from tests.backends.training import Trainings, settings

TRAININGS = Trainings(loader, {"ce": nn.functional.cross_entropy}, {"accuracy": accuracy})


def untrained() -> SmallClassifier:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return SmallClassifier().eval()


def own_pass(model: Any, batch: Any) -> OwnPass:
    inputs, labels = batch
    model.train()
    loss = nn.functional.cross_entropy(model(inputs), labels)
    loss.backward()  # type: ignore[no-untyped-call]
    norm = torch.linalg.vector_norm(torch.cat([p.grad.flatten() for p in model.parameters()]))
    first = model.features[1]
    count = inputs.shape[0] * 64  # torch's variance is over N - 1, the others' over N
    variance = 0.9 + (first.running_var - 0.9) * (count - 1) / count
    return OwnPass(
        float(loss.detach()),
        float(norm),
        {"running_mean": first.running_mean.numpy(), "running_var": variance.numpy()},
    )


def test_an_untrained_model_learns(tmp_path: Path) -> None:
    assert_learns(TRAININGS, untrained(), tmp_path, resumed_with=None)


def test_norms_train_as_pytorch_trains_them(tmp_path: Path) -> None:
    assert_trains_as_the_framework(TRAININGS, untrained(), own_pass, "conv_1", tmp_path)


@pytest.mark.parametrize(
    ("values", "losses", "message"),
    [
        ({"learn_scales": True}, TRAININGS.losses, "learned scales begin with calibrated ranges"),
        ({"distillation": "outputs"}, TRAININGS.losses, "an untrained model cannot be the teacher"),
        ({}, None, "an untrained model cannot be the teacher"),
    ],
)
def test_what_needs_a_trained_model_is_refused(
    values: dict[str, Any], losses: Any, message: str, tmp_path: Path
) -> None:
    made = settings(is_training_from_scratch=True, **values)
    with pytest.raises(SettingsError, match=message):
        clika_compress(tmp_path / "outputs", made, untrained(), loader, training_losses=losses)
    assert not (tmp_path / "outputs").exists()


def test_ranges_that_are_learned_do_not_follow_observers(tmp_path: Path) -> None:
    made = settings(learn_scales=True, freeze_observers_after_epochs=2)
    with pytest.raises(SettingsError, match="do not follow observers"):
        TRAININGS.compress(tmp_path / "outputs", untrained(), made)
