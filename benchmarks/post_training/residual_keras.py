"""The residual net in Keras: the layers of `cases.residual_net` in the same order."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from benchmarks.post_training.cases import RESIDUAL_BLOCKS


class _Conv(layers.Layer):  # type: ignore[misc]
    def __init__(self, channels: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.pad = layers.ZeroPadding2D(kernel // 2)
        self.conv = layers.Conv2D(channels, kernel, strides=stride, padding="valid", use_bias=False)
        self.norm = layers.BatchNormalization(epsilon=1e-5)

    def call(self, x: Any) -> Any:
        return self.norm(self.conv(self.pad(x)))


class _Block(layers.Layer):  # type: ignore[misc]
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.first, self.second = _Conv(after, stride=stride), _Conv(after)
        self.shortcut = _Conv(after, 1, stride) if stride != 1 or before != after else None

    def call(self, x: Any) -> Any:
        found = self.second(ops.relu(self.first(x)))
        return ops.relu(found + (x if self.shortcut is None else self.shortcut(x)))


class ResidualNet(keras.Model):  # type: ignore[misc]
    """Images are channels last."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Conv(16)
        self.blocks = [_Block(*block) for block in RESIDUAL_BLOCKS]
        self.pool, self.head = layers.GlobalAveragePooling2D(), layers.Dense(10)

    def call(self, x: Any) -> Any:
        x = ops.relu(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return self.head(self.pool(x))
