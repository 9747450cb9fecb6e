"""The plugin's face: registered without TensorFlow, quiet, honest about what is there, clear about what is not."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import clika_core
from clika_core.errors import MissingDependencyError, ModelError, TraceError
from clika_tensorflow import backend as module
from clika_tensorflow.backend import TensorFlowBackend
from clika_tensorflow.registration import clika_register_backends

WITHOUT_TENSORFLOW = """
import sys
from clika_tensorflow.registration import clika_register_backends
(backend,) = clika_register_backends()
assert not backend.accepts(object())
assert not {"tensorflow", "keras", "numpy"} & set(sys.modules), sorted(sys.modules)
"""
TRACE = """
import numpy as np
from clika_tensorflow.backend import TensorFlowBackend
backend = TensorFlowBackend()
network = backend.demo_network()
print(len(backend.trace(network, (np.zeros((1, 28, 28, 1), np.float32),)).graph.layers))
"""
USERS_IMPORT = """
import sys
from clika_tensorflow.backend import TensorFlowBackend
TensorFlowBackend().before_user_code()
TensorFlowBackend().before_user_code()
assert "tensorflow" not in sys.modules
import keras
import tensorflow
print(float(tensorflow.constant(1.5)), type(tensorflow.__loader__).__name__)
print("mine", file=sys.stderr)
"""


def run(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    folders = (Path(clika_core.__file__).parents[1], Path(module.__file__).parents[1])
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("TF_", "KERAS_"))}
    variables |= {"PYTHONPATH": os.pathsep.join(map(str, folders)), **environment}
    return subprocess.run(
        [sys.executable, "-c", script], env=variables, capture_output=True, text=True, timeout=300
    )


def test_registering_and_asking_imports_neither_tensorflow_nor_numpy() -> None:
    done = run(WITHOUT_TENSORFLOW)
    assert done.returncode == 0, done.stderr


def test_tensorflow_starts_without_a_word() -> None:
    done = run(TRACE)
    assert (done.stdout, done.stderr) == ("51\n", "")


def test_tensorflow_starts_without_a_word_where_the_users_file_imports_it() -> None:
    done = run(USERS_IMPORT)
    assert done.stdout.startswith("1.5 SourceFileLoader"), done.stderr
    assert done.stderr == "mine\n"


def test_the_backend_is_registered() -> None:
    (registered,) = clika_register_backends()
    assert (registered.name, registered.distribution) == ("tensorflow", "clika-core[tensorflow]")


def test_it_accepts_keras_models_layers_and_modules_and_nothing_else() -> None:
    backend = TensorFlowBackend()
    assert all(map(backend.accepts, (keras.Sequential(), keras.layers.Dense(1), tf.Module())))
    assert not any(map(backend.accepts, (tf.zeros(1), keras.layers.Dense, tf.nn.relu, None, np.zeros(1))))


def test_it_describes_what_is_installed() -> None:
    described = TensorFlowBackend().describe()
    assert (described.name, described.framework, described.problem) == ("tensorflow", "TensorFlow", None)
    assert described.version == metadata.version("tensorflow-cpu")
    assert described.devices[0] == "cpu"


def test_without_tensorflow_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    described = TensorFlowBackend().describe()
    assert described.version is None
    assert described.problem == 'TensorFlow is not installed: pip install "clika-core[tensorflow]"'


def test_a_tensorflow_that_cannot_be_imported_is_said_to_be_that(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise ImportError(f"{name}: libtensorflow_framework.so.2: cannot open shared object file")

    monkeypatch.setattr(importlib, "import_module", broken)
    monkeypatch.delitem(sys.modules, "tensorflow")
    described = TensorFlowBackend().describe()
    assert described.problem is not None
    assert "libtensorflow_framework" in described.problem
    with pytest.raises(MissingDependencyError) as caught:
        TensorFlowBackend().trace(keras.Sequential(), np.zeros(1))
    assert caught.value.fix == 'pip install "clika-core[tensorflow]"'


def test_a_model_of_keras_on_another_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(TraceError, match="KERAS_BACKEND=tensorflow"):
        TensorFlowBackend().trace(model, np.zeros((1, 2), np.float32))


def test_training_the_demo_anew_is_left_to_the_other_backend(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="--backend torch --train"):
        TensorFlowBackend().train_demo_network(tmp_path, seed=0, progress=print)


class Branching(keras.Model):  # type: ignore[misc]
    def call(self, x: Any) -> Any:
        return x if keras.ops.sum(x) > 0 else -x


class Leaving(tf.Module):  # type: ignore[misc]
    def __call__(self, x: Any) -> Any:
        return tf.constant(np.asarray(x.numpy()) + 1)


@pytest.mark.parametrize(
    ("model", "reason"),
    [(Branching(), "depends on the values of a tensor"), (Leaving(), "the model leaves TensorFlow")],
    ids=["branching", "leaving"],
)
def test_a_model_that_cannot_be_traced_is_told_why_and_where(model: Any, reason: str) -> None:
    with pytest.raises(TraceError, match=reason) as caught:
        TensorFlowBackend().trace(model, np.ones((2, 2), np.float32))
    assert caught.value.fix
    assert caught.value.location is not None
    assert caught.value.location.file == __file__
