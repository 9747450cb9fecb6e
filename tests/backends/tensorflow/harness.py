"""The TensorFlow backend's part of the conformance kit: the reference models as Keras users write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

from clika_core.backend.interface import Backend
from clika_core.testing import BackendHarness, Subject
from clika_tensorflow.backend import TensorFlowBackend


class TensorFlowHarness(BackendHarness):
    """Keras 3 on TensorFlow, eager; compiled code through `tf.function` and XLA."""

    def __init__(self, backend: Backend | None = None) -> None:
        """`backend` replaces the real one, by one that is wrong on purpose."""
        self.backend = backend or TensorFlowBackend()

    def builders(self) -> Mapping[str, Callable[[], Subject]]:
        image, vector = (12, 12, 3), (6,)
        return {
            "classifier": lambda: subject(_Classifier, *image),
            "residual": lambda: subject(_Residual, *image),
            "depthwise": lambda: subject(_depthwise, *image),
            "gated": lambda: subject(_gated, *image),
            "branches": lambda: subject(_Branches, *image),
            "two_outputs": lambda: subject(_TwoOutputs, *image),
            "bypass": lambda: subject(_Bypass, *vector),
            "shared": lambda: subject(_Shared, *vector),
            "transformer": lambda: subject(_Block, 5, 16),
            "lstm": _tagger,
        }

    def state(self, model: Any) -> Mapping[str, NDArray[Any]]:
        return {f"{index}:{v.path}": v.numpy() for index, v in enumerate(model.variables)}

    def gradient(self, function: Callable[[Any], Any], array: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(array)
            total = tf.reduce_sum(function(array))
        return tape.gradient(total, array)

    def compiled(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        compiled: Callable[[Any], Any] = tf.function(function, jit_compile=True)
        return compiled

    def train(self, native: Any, inputs: Any, steps: int) -> list[float]:
        optimizer = keras.optimizers.SGD(0.02)
        losses = []
        for _ in range(steps):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(next(self.leaves(native(*inputs)))))
            gradients = tape.gradient(loss, native.trainable_variables)
            pairs = zip(gradients, native.trainable_variables, strict=True)
            optimizer.apply_gradients([pair for pair in pairs if pair[0] is not None])
            losses.append(float(loss))
        return losses


def subject(make: Callable[[], Any], *shape: int) -> Subject:
    """A model with random weights, statistics of norms away from 0 and 1; inputs are standard normal."""
    keras.utils.set_random_seed(0)
    model = make()
    model(np.zeros((1, *shape), np.float32))
    random = np.random.default_rng(1)
    for variable in model.variables:
        if variable.path.endswith(("bias", "beta", "moving_mean")):
            variable.assign(0.3 * random.standard_normal(variable.shape))
        elif variable.path.endswith(("gamma", "moving_variance")):
            variable.assign(random.uniform(0.5, 1.8, variable.shape))
    return Subject(model, lambda n, rng: (tf.constant(rng.standard_normal((n, *shape)), tf.float32),))


class _Classifier(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.features = keras.Sequential(
            [
                layers.Conv2D(8, 3, padding="same", use_bias=False),
                layers.BatchNormalization(),
                layers.ReLU(),
                layers.MaxPooling2D(2),
                layers.Conv2D(12, 3, padding="same", activation="relu"),
            ]
        )
        self.pool = layers.GlobalAveragePooling2D()
        self.hidden, self.head = layers.Dense(10, activation="relu"), layers.Dense(5)

    def call(self, x: Any) -> Any:
        return self.head(self.hidden(self.pool(self.features(x))))


class _Residual(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.stem = layers.Conv2D(8, 3, padding="same", activation="relu")
        self.body = layers.Conv2D(8, 3, padding="same", use_bias=False)
        self.norm, self.head = layers.BatchNormalization(), layers.Dense(4)

    def call(self, x: Any) -> Any:
        y = self.stem(x)
        y = keras.ops.relu(y + self.norm(self.body(y)))
        return self.head(keras.ops.mean(y, axis=(1, 2)))


def _depthwise() -> Any:
    return keras.Sequential(
        [
            keras.Input((12, 12, 3), name="image"),
            layers.Conv2D(8, 1),
            layers.ReLU(max_value=6),
            layers.DepthwiseConv2D(3, strides=2, padding="same"),
            layers.Activation("relu6"),
            layers.Conv2D(4, 1),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3),
        ]
    )


def _gated() -> Any:
    x = keras.Input((12, 12, 3))
    y = layers.Conv2D(8, 3, activation="relu")(x)
    gate = layers.GlobalAveragePooling2D(keepdims=True)(y)
    y = layers.Multiply()([y, layers.Conv2D(8, 1, activation="sigmoid")(gate)])
    return keras.Model(x, layers.Dense(4)(layers.GlobalAveragePooling2D()(y)))


class _Branches(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.stem = layers.Conv2D(4, 3, activation="relu")
        self.branches = [layers.Conv2D(3, 1), layers.Conv2D(5, 3, padding="same")]
        self.out = layers.Conv2D(4, 1)

    def call(self, x: Any) -> Any:
        y = self.stem(x)
        return self.out(keras.ops.concatenate([branch(y) for branch in self.branches], axis=-1))


class _TwoOutputs(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.stem = layers.Conv2D(8, 3, activation="relu")
        self.boxes, self.scores = layers.Conv2D(4, 1), layers.Conv2D(2, 1, activation="sigmoid")

    def call(self, x: Any) -> Any:
        y = self.stem(x)
        return {"boxes": self.boxes(y), "scores": self.scores(y)}


class _Bypass(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = layers.Dense(6), layers.Dense(6)

    def call(self, x: Any) -> Any:
        y = self.first(x)
        return y + self.second(y)


class _Shared(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.inner, self.head = layers.Dense(6), layers.Dense(3)

    def call(self, x: Any) -> Any:
        x = keras.ops.relu(self.inner(x))
        return self.head(keras.ops.relu(self.inner(x)))


class _Block(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.out = (layers.Dense(16) for _ in range(4))
        self.grow, self.shrink = layers.Dense(32), layers.Dense(16)
        self.norm1, self.norm2 = layers.LayerNormalization(), layers.LayerNormalization()

    def call(self, x: Any) -> Any:
        ops = keras.ops
        q, k, v = (
            ops.transpose(ops.reshape(layer(x), (-1, 5, 2, 8)), (0, 2, 1, 3))
            for layer in (self.q, self.k, self.v)
        )
        scores = ops.matmul(q, ops.transpose(k, (0, 1, 3, 2))) / np.sqrt(8.0).astype(np.float32)
        mixed = ops.transpose(ops.matmul(ops.softmax(scores), v), (0, 2, 1, 3))
        x = self.norm1(x + self.out(ops.reshape(mixed, (-1, 5, 16))))
        return self.norm2(x + self.shrink(ops.gelu(self.grow(x), approximate=False)))


def _tagger() -> Subject:
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((7,), dtype="int64", name="tokens"),
            layers.Embedding(20, 8),
            layers.LSTM(6, return_sequences=True),
            layers.Dense(3),
        ]
    )
    return Subject(model, lambda n, random: (tf.constant(random.integers(0, 20, (n, 7))),))
