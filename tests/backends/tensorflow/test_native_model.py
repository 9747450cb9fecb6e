"""Native models train, save and compile like any other, and compute the same codes compiled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import clika_core as clika
from clika_core.errors import ModelError
from clika_core.pipeline.compress import CompressionResult

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


@pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning"
)  # Keras reads its variables so
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
    with pytest.raises(ModelError, match="export"):
        model.save(tmp_path / "model.keras")


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
