"""Training from scratch with JAX; see `tests.backends.from_scratch`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
import pytest
from flax import nnx

from tests.backends.from_scratch import OwnPass, assert_learns, assert_trains_as_the_framework
from tests.backends.jax.small_training import SmallClassifier, accuracy, cross_entropy, loader
from tests.backends.training import Trainings

TRAININGS = Trainings(loader, {"ce": cross_entropy}, {"accuracy": accuracy})


def untrained() -> SmallClassifier:
    model = SmallClassifier(nnx.Rngs(0))
    model.eval()
    return model


def own_pass(model: Any, batch: Any) -> OwnPass:
    inputs, labels = batch
    model.train()
    loss, gradients = nnx.value_and_grad(lambda m: cross_entropy(m(inputs), labels))(model)
    first = model.norm_a
    return OwnPass(
        float(loss),
        float(optax.tree.norm(jax.tree.leaves(gradients))),
        {"mean": np.asarray(first.mean[...]), "var": np.asarray(first.var[...])},
    )


@pytest.mark.nightly
def test_an_untrained_model_learns(tmp_path: Path) -> None:
    model = untrained()
    assert_learns(TRAININGS, model, tmp_path, resumed_with=model)


def test_norms_train_as_flax_trains_them(tmp_path: Path) -> None:
    assert_trains_as_the_framework(TRAININGS, untrained(), own_pass, "conv_1", tmp_path)
