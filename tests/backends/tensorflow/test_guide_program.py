"""The guide's program with TensorFlow; see `tests.backends.guide_programs`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tests.backends.guide_programs import run_program
from tests.backends.tensorflow.small_training import TwoOutputs, cross_entropy
from tests.backends.training import two_inputs


def task(outputs: Any, targets: Any) -> dict[str, Any]:
    return {
        "classes": cross_entropy(outputs["classes"], targets["classes"]),
        "size": tf.reduce_mean(tf.square(outputs["size"] - targets["size"])),
    }


def test_the_guide_s_program_runs_unchanged(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    model = TwoOutputs()
    model(**two_inputs()[0][0])
    run_program(
        model,
        task,
        lambda outputs, _: [tf.reduce_mean(outputs["size"] ** 2) * 1e-3],
        lambda outputs, targets: tf.reduce_mean(tf.abs(outputs["size"] - targets["size"])),
        tmp_path,
    )
