"""Native models train, save and compile like any other, and compute the same codes compiled."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf

import clika_core as clika
from clika_core.errors import DataError, ModelError
from clika_core.pipeline.compress import CompressionResult
from clika_tensorflow import load_model

saving = pytest.mark.filterwarnings(  # Keras reads its variables so
    "ignore:__array__ implementation:DeprecationWarning"
)
X = np.random.default_rng(0).standard_normal((32, 12, 12, 3)).astype(np.float32)


def network() -> Any:
    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((12, 12, 3), name="image"),
            layers.Conv2D(8, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.SeparableConv2D(12, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(4),
        ]
    )


@pytest.fixture(scope="module")
def result() -> CompressionResult:
    settings = clika.Settings()
    settings.global_quantization_settings.skip_tail_quantization = False
    return clika.compress(network(), settings=settings, calibration_data=X, output_dir=None)


def test_compiled_and_traced_it_gives_what_it_gives_eagerly(result: CompressionResult) -> None:
    eager = np.asarray(result.model(X))
    assert np.unique(eager).size > 10
    np.testing.assert_array_equal(np.asarray(tf.function(result.model)(X)), eager)
    np.testing.assert_array_equal(np.asarray(tf.function(result.model, jit_compile=True)(X)), eager)


def test_it_is_a_keras_model_whose_weights_keep_their_names(result: CompressionResult) -> None:
    assert isinstance(result.model, keras.Model)
    names = [variable.name for variable in result.model.trainable_variables]
    assert len(names) == len(set(names)) == 7
    assert all(name.endswith(("kernel", "bias")) for name in names)


@saving
def test_it_is_fitted_saved_and_exported(tmp_path: Path) -> None:
    model = clika.compress(network(), calibration_data=X, output_dir=None).model
    model.compile(optimizer=keras.optimizers.SGD(0.05), loss="mse")
    history = model.fit(X, np.ones((32, 4), np.float32), epochs=4, batch_size=16, verbose=0).history["loss"]
    assert history[-1] < history[0]
    trained = np.asarray(model(X))
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    other = clika.compress(network(), calibration_data=X, output_dir=None).model
    assert not np.array_equal(np.asarray(other(X)), trained)
    other.load_weights(path)
    np.testing.assert_array_equal(np.asarray(other(X)), trained)
    model.export(tmp_path / "exported", verbose=False)
    served = tf.saved_model.load(tmp_path / "exported")
    np.testing.assert_array_equal(np.asarray(served.serve(X)), trained)


LOADED = """
import sys
import numpy as np
import clika_tensorflow
model = clika_tensorflow.load_model(sys.argv[1] + "/model.keras")
given = np.load(sys.argv[1] + "/given.npz")
np.testing.assert_array_equal(np.asarray(model(given["x"])), given["y"])
assert len(model.trainable_variables) == 7
losses = model.fit(given["x"], np.ones_like(given["y"]), epochs=2, batch_size=16, verbose=0).history["loss"]
assert losses[-1] < losses[0], losses
trained = np.asarray(model(given["x"]))
assert not np.array_equal(trained, given["y"])
model.save(sys.argv[1] + "/again.keras")
again = clika_tensorflow.load_model(sys.argv[1] + "/again.keras")
np.testing.assert_array_equal(np.asarray(again(given["x"])), trained)
"""


@saving
def test_a_keras_file_is_loaded_and_trained_on_where_the_network_is_not_known(tmp_path: Path) -> None:
    model = clika.compress(network(), calibration_data=X, output_dir=None).model
    model.compile(optimizer=keras.optimizers.SGD(0.05), loss="mse")
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "given.npz", x=X, y=np.asarray(model(X)))
    done = subprocess.run(
        [sys.executable, "-c", LOADED, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


class TwoInputs(keras.Model):  # type: ignore[misc]
    """Inputs by name with an option, results by name."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(4)

    def call(self, inputs: Any, factor: float = 2.0) -> Any:
        return {"y": self.dense(inputs["a"]) * factor, "parts": [inputs["b"] * 2.0]}


@saving
def test_a_loaded_model_takes_and_gives_what_the_saved_one_did(tmp_path: Path) -> None:
    given = {name: np.random.default_rng(0).standard_normal((6, 5)).astype(np.float32) for name in "ab"}
    model = TwoInputs()
    model(given)
    saved = clika.compress(model, calibration_data=given, output_dir=None).model
    saved.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    expected, found = saved(given), loaded(given)
    np.testing.assert_allclose(found["y"], expected["y"], rtol=1e-5)  # a float layer, in a graph and eagerly
    np.testing.assert_array_equal(found["parts"][0], expected["parts"][0])
    assert isinstance(found["parts"], list)
    with pytest.raises(DataError, match="'a'"):
        loaded({**given, "a": np.zeros((6, 4), np.float32)})
    with pytest.raises(DataError, match="traced with"):
        loaded({"a": given["a"]})


class Results(NamedTuple):
    y: Any
    name: str = "logits"


class Named(keras.Sequential):  # type: ignore[misc]
    def call(self, inputs: Any) -> Any:
        return Results(super().call(inputs))


@saving
def test_what_a_keras_file_cannot_hold_is_said(tmp_path: Path) -> None:
    x = np.zeros((4, 5), np.float32)
    model = Named([keras.Input((5,)), keras.layers.Dense(4)])
    model(x)
    saved = clika.compress(model, calibration_data=x, output_dir=None).model
    with pytest.raises(ModelError, match="this model's result") as caught:
        saved.save(tmp_path / "model.keras")
    assert "save_weights" in (caught.value.fix or "")


class Multi(tf.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        random = np.random.default_rng(0)
        self.weights = [tf.Variable(random.standard_normal((6, 8)), dtype=tf.float32)]
        self.bias = tf.Variable(random.standard_normal(8), dtype=tf.float32)

    @tf.function  # type: ignore[untyped-decorator]
    def __call__(self, x: Any, scale: Any) -> Any:
        return {"y": tf.nn.relu(tf.matmul(x, self.weights[0]) + self.bias) * scale, "x": x}


def test_a_module_of_tensorflow_gives_one() -> None:
    model, x = Multi(), np.random.default_rng(1).standard_normal((8, 6)).astype(np.float32)
    scale = np.full((8, 1), 2.0, np.float32)
    found = clika.compress(model, calibration_data={"x": x, "scale": scale}, output_dir=None)
    assert [node.name for node in found.plan.graph.inputs] == ["x", "scale"]
    assert isinstance(found.model, tf.Module)
    assert [v.name for v in found.model.trainable_variables] == ["weights_0:0", "bias:0"]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(found.model(tf.constant(x), tf.constant(scale))["y"])
    assert all(g is not None for g in tape.gradient(loss, found.model.trainable_variables))
    np.testing.assert_allclose(found.model(x, scale)["y"], model(x, scale)["y"], atol=0.3)
