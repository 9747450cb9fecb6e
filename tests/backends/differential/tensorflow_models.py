"""The architectures in Keras, as its users write them. Inputs are channels last; tests copy weights in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops


class _Conv(layers.Layer):  # type: ignore[misc]
    def __init__(self, channels: int, kernel: int = 3, stride: int = 1, depthwise: bool = False) -> None:
        super().__init__()
        options = {"strides": stride, "padding": "same" if stride == 1 else "valid", "use_bias": False}
        self.conv = (
            layers.DepthwiseConv2D(kernel, **options)
            if depthwise
            else layers.Conv2D(channels, kernel, **options)
        )
        self.norm = layers.BatchNormalization(epsilon=1e-5)

    def call(self, x: Any) -> Any:
        return self.norm(self.conv(x))


class ResidualCnn(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.first, self.second = _Conv(8), _Conv(8), _Conv(8)
        self.pad, self.down, self.shortcut = (
            layers.ZeroPadding2D(1),
            _Conv(12, stride=2),
            _Conv(12, 1, stride=2),
        )
        self.pool, self.head = layers.GlobalAveragePooling2D(), layers.Dense(5)

    def call(self, x: Any) -> Any:
        x = ops.relu(self.stem(x))
        x = ops.relu(x + self.second(ops.relu(self.first(x))))
        x = ops.relu(self.down(self.pad(x)) + self.shortcut(x))
        return self.head(self.pool(x))


class MobileBlocks(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.last, self.head = _Conv(8), _Conv(12, 1), layers.Dense(4)
        self.expand, self.depthwise, self.project = _Conv(16, 1), _Conv(16, depthwise=True), _Conv(8, 1)

    def call(self, x: Any) -> Any:
        x = ops.relu6(self.stem(x))
        x = x + self.project(ops.relu6(self.depthwise(ops.relu6(self.expand(x)))))
        return self.head(ops.mean(ops.relu6(self.last(x)), axis=(1, 2)))


class UNet(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.enter, self.inner, self.leave, self.head = _Conv(8), _Conv(12), _Conv(8), layers.Conv2D(2, 1)
        self.pool = layers.MaxPooling2D(2)

    def call(self, x: Any) -> Any:
        skip = ops.relu(self.enter(x))
        up = _twice(ops.relu(self.inner(self.pool(skip))))
        return self.head(ops.relu(self.leave(ops.concatenate([up, skip], axis=-1))))


def _twice(x: Any) -> Any:
    return tf.image.resize(x, [2 * x.shape[1], 2 * x.shape[2]], method="nearest")


class Detector(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.backbone = layers.Conv2D(8, 3, padding="same", activation="relu")
        self.neck = layers.Conv2D(8, 3, padding="same", activation="relu")
        self.boxes, self.scores = layers.Conv2D(4, 1), layers.Conv2D(3, 1, activation="sigmoid")

    def call(self, x: Any) -> Any:
        x = self.neck(self.backbone(x))
        return self.boxes(x), self.scores(x)


class _Attention(layers.Layer):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.out = (layers.Dense(16) for _ in range(4))

    def call(self, x: Any) -> Any:
        q, k, v = (
            ops.transpose(ops.reshape(layer(x), (-1, 5, 2, 8)), (0, 2, 1, 3))
            for layer in (self.q, self.k, self.v)
        )
        scores = ops.matmul(q, ops.transpose(k, (0, 1, 3, 2))) * 8**-0.5
        mixed = ops.transpose(ops.matmul(ops.softmax(scores), v), (0, 2, 1, 3))
        return self.out(ops.reshape(mixed, (-1, 5, 16)))


class Encoder(keras.Model):  # type: ignore[misc]
    def __init__(self, pre_norm: bool) -> None:
        super().__init__()
        self.pre_norm, self.attention = pre_norm, _Attention()
        self.norm1, self.norm2 = layers.LayerNormalization(), layers.LayerNormalization()
        self.grow, self.shrink, self.head = layers.Dense(32), layers.Dense(16), layers.Dense(3)

    def call(self, x: Any) -> Any:
        if self.pre_norm:
            x = x + self.attention(self.norm1(x))
            x = x + self.shrink(ops.gelu(self.grow(self.norm2(x)), approximate=False))
        else:
            x = self.norm1(x + self.attention(x))
            x = self.norm2(x + self.shrink(ops.gelu(self.grow(x), approximate=False)))
        return self.head(x)


class Tagger(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.lstm = layers.Embedding(20, 8), layers.LSTM(6, return_sequences=True)
        self.hidden, self.head = layers.Dense(8, activation="relu"), layers.Dense(3)

    def call(self, tokens: Any) -> Any:
        return self.head(self.hidden(self.lstm(self.embed(tokens))))


class SuperResolution(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.features = layers.Conv2D(8, 5, padding="same", activation="relu")
        self.body = layers.Conv2D(8, 3, padding="same", activation="relu")
        self.out = layers.Conv2D(3, 3, padding="same")

    def call(self, x: Any) -> Any:
        y = self.features(x)
        return self.out(_twice(y + self.body(y)))


class Vgg(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.convs = [layers.Conv2D(n, 3, padding="same", activation="relu") for n in (8, 12)]
        self.pool, self.average = layers.MaxPooling2D(2), layers.GlobalAveragePooling2D()
        self.hidden, self.head = layers.Dense(16, activation="relu"), layers.Dense(5)

    def call(self, x: Any) -> Any:
        for conv in self.convs:
            x = self.pool(conv(x))
        return self.head(self.hidden(self.average(x)))


class MultiInput(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.conv = layers.Conv2D(8, 3, padding="same", activation="relu")
        self.pool = layers.GlobalAveragePooling2D()
        self.join, self.head = layers.Dense(12, activation="relu"), layers.Dense(4)

    def call(self, image: Any, extra: Any) -> Any:
        return self.head(
            self.join(ops.concatenate([self.pool(self.conv(image)), ops.sigmoid(extra)], axis=-1))
        )


MODELS: dict[str, Callable[[], Any]] = {
    "residual_cnn": ResidualCnn,
    "mobile_blocks": MobileBlocks,
    "u_net": UNet,
    "detector": Detector,
    "post_norm_encoder": lambda: Encoder(pre_norm=False),
    "pre_norm_encoder": lambda: Encoder(pre_norm=True),
    "lstm_tagger": Tagger,
    "super_resolution": SuperResolution,
    "vgg": Vgg,
    "multi_input": MultiInput,
}


def build(name: str, inputs: tuple[np.ndarray[Any, Any], ...]) -> Any:
    """A model with random weights, built on its inputs."""
    keras.utils.set_random_seed(0)
    model = MODELS[name]()
    model(*inputs)
    return model
