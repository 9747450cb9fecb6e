"""Training from scratch with TensorFlow; see `tests.backends.from_scratch`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.backends.from_scratch import OwnPass, assert_learns, assert_trains_as_the_framework
from tests.backends.tensorflow.small_training import accuracy, cross_entropy, loader, small_classifier
from tests.backends.training import Trainings

TRAININGS = Trainings(loader, {"ce": cross_entropy}, {"accuracy": accuracy})


def untrained() -> Any:
    keras.utils.set_random_seed(0)
    keras.utils.clear_session()  # names of variables count on in a process
    return small_classifier()


def own_pass(model: Any, batch: Any) -> OwnPass:
    inputs, labels = batch
    with tf.GradientTape() as tape:
        loss = cross_entropy(model(inputs, training=True), labels)
    gradients = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
    first = model.layers[1]
    return OwnPass(
        float(loss),
        float(tf.linalg.global_norm(gradients)),
        {"mean": np.asarray(first.moving_mean), "variance": np.asarray(first.moving_variance)},
    )


@pytest.mark.nightly
def test_an_untrained_model_learns(tmp_path: Path) -> None:
    model = untrained()
    assert_learns(TRAININGS, model, tmp_path, resumed_with=model)


def test_norms_train_as_keras_trains_them(tmp_path: Path) -> None:
    assert_trains_as_the_framework(TRAININGS, untrained(), own_pass, "conv_1", tmp_path)
