"""Keys of the settings in whose effect the backend has a hand do what they say, or are clear errors.

What the core alone does is tried with PyTorch: see `tests.backends.setting_cases.BACKENDS_OWN`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import keras
import pytest
import tensorflow as tf

from clika_tensorflow.backend import TensorFlowBackend
from tests.backends.every_setting import Laboratory, numbers, traced_once
from tests.backends.setting_cases import BACKENDS_OWN, Case, own_cases
from tests.backends.tensorflow.small_training import cross_entropy

ERRORS: Final = {
    "weights_dtype": ("bfloat16", "tensorflow backend does not honour training_settings.weights_dtype"),
    "activations_offloading": (True, "does not honour training_settings.activations_offloading"),
    "gradient_checkpointing": (True, "does not honour training_settings.gradient_checkpointing"),
    "params_offloading": (True, "tensorflow backend does not honour training_settings.params_offloading"),
    "multi_gpu": (True, "needs one process per device"),
    "use_sharding": (True, "and there is one"),
}
CASES: Final = own_cases(ERRORS, is_tried=lambda case: case.value != "float16")


@pytest.fixture(scope="module")
def laboratory() -> Iterator[Laboratory]:
    with traced_once(TensorFlowBackend):
        keras.utils.set_random_seed(0)
        dense = [keras.layers.Dense(32, "relu"), keras.layers.Dense(16, "relu"), keras.layers.Dense(4)]
        model: Any = keras.Sequential([keras.Input((64,)), *dense])
        batches = [(tf.constant(inputs), tf.constant(labels)) for inputs, labels in numbers()]
        yield Laboratory(model, batches, cross_entropy)


def test_there_is_a_case_for_every_key() -> None:
    assert {case.key for case in CASES} | set(ERRORS) >= BACKENDS_OWN


@pytest.mark.nightly
@pytest.mark.parametrize("case", CASES, ids=[f"{case.key}-{case.value}" for case in CASES])
def test_a_key_does_what_it_says(
    case: Case, laboratory: Laboratory, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    laboratory.assert_does_what_it_says(case, tmp_path_factory, tmp_path / "outputs")


@pytest.mark.nightly
@pytest.mark.parametrize("key", ERRORS)
def test_a_key_that_cannot_be_honoured_is_an_error(key: str, laboratory: Laboratory, tmp_path: Path) -> None:
    laboratory.assert_refused(tmp_path / "outputs", key, *ERRORS[key])


@pytest.mark.nightly
def test_float16_is_refused(laboratory: Laboratory, tmp_path: Path) -> None:
    laboratory.assert_refused(tmp_path / "outputs", "amp_dtype", "float16", "does not scale losses")
