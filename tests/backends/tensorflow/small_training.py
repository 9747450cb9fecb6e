"""A small task to fine-tune on: a classifier of noisy patterns, with its data as users write it."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from tests.backends.training import CLASSES, patterns


def small_classifier() -> Any:
    """Convolutions with batch norm, pooling, two dense layers."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 1), name="image"),
            layers.Conv2D(8, 3, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            layers.Conv2D(8, 3, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(16, activation="relu"),
            layers.Dense(CLASSES),
        ],
        name="small_classifier",
    )


class TwoOutputs(keras.Model):  # type: ignore[misc]
    """Takes two inputs by name, returns a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = keras.layers.Dense(8), keras.layers.Dense(8)
        self.body = keras.layers.Dense(8, activation="relu")
        self.classes, self.size = keras.layers.Dense(CLASSES), keras.layers.Dense(1)

    def call(self, left: Any, right: Any) -> dict[str, Any]:
        hidden = self.body(keras.ops.relu(self.left(left) + self.right(right)))
        return {"classes": self.classes(hidden), "size": self.size(hidden)}


def loader(count: int = 96, seed: int = 0, *, is_shuffled: bool = True) -> Any:
    """Batches of 16, shuffled by the global random numbers."""
    data = tf.data.Dataset.from_tensor_slices(patterns(count, seed))
    return (data.shuffle(count) if is_shuffled else data).batch(16)


def trained(epochs: int = 8) -> Any:
    """The classifier after a short float training; the same on every call."""
    keras.utils.set_random_seed(0)
    keras.utils.clear_session()  # names of variables count on in a process
    model = small_classifier()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss)
    model.fit(*patterns(), batch_size=16, epochs=epochs, verbose=0)
    return model


def cross_entropy(outputs: Any, targets: Any) -> Any:
    """The mean over a batch."""
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(targets, outputs))


def accuracy(outputs: Any, targets: Any) -> Any:
    """The share of right classes."""
    return tf.reduce_mean(tf.cast(tf.argmax(outputs, 1) == targets, tf.float32))
