"""What the README shows of Keras runs, in few lines."""

from __future__ import annotations

from typing import Any

import clika_core as clika
from tests.backends.readme_blocks import program_with
from tests.backends.tensorflow.small_training import small_classifier
from tests.backends.training import patterns


def test_fit_trains_the_quantized_model() -> None:
    program = program_with("import keras")
    images, labels = patterns(32)
    names: dict[str, Any] = {"clika": clika, "model": small_classifier(), "images": images, "labels": labels}
    held: dict[str, Any] = {}
    before_training, fit = program.rsplit("result.model.fit", 1)
    exec(compile(before_training, "README.md", "exec"), names)
    for variable in names["result"].model.trainable_variables:
        held[variable.path] = variable.numpy()
    exec(compile(f"result.model.fit{fit}", "README.md", "exec"), names)
    assert len(program.splitlines()) <= 10
    for variable in names["result"].model.trainable_variables:
        assert (variable.numpy() != held[variable.path]).any(), variable.path
