"""The demo's network in Keras, written as a user would write it.

`clika_core.demo.architecture` holds the numbers and the table of layers, `clika_core.demo.weights` the layout of
the weight file; this file is the translation. Start reading at `DemoNetwork.call`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import keras
from keras import layers

from clika_core.demo.architecture import (
    CLASS_COUNT,
    EXPANSION,
    NARROW_CHANNELS,
    NORM_EPSILON,
    NORM_UPDATE,
    STEM_CHANNELS,
    WIDE_CHANNELS,
)
from clika_core.demo.weights import Weights, load_weights
from clika_core.errors import DataError

_NORM: Final = {"gamma": "gamma", "beta": "beta", "moving_mean": "mean", "moving_variance": "variance"}


class Convolution(layers.Layer):  # type: ignore[misc]
    """Convolution without bias, batch norm, activation; the padding keeps an odd kernel centred."""

    def __init__(
        self,
        channels: int,
        kernel: int,
        *,
        stride: int = 1,
        depthwise: bool = False,
        activation: str = "relu",
    ) -> None:
        """Take the shape of the kernel; a strided one pads on both sides, which `same` does not."""
        super().__init__()
        is_padded = stride > 1 and kernel > 1
        options = {"strides": stride, "padding": "valid" if is_padded else "same", "use_bias": False}
        self.pad = layers.ZeroPadding2D(kernel // 2) if is_padded else None
        self.conv = (
            layers.DepthwiseConv2D(kernel, **options)
            if depthwise
            else layers.Conv2D(channels, kernel, **options)
        )
        self.norm = layers.BatchNormalization(epsilon=NORM_EPSILON, momentum=1 - NORM_UPDATE)
        self.activation = layers.Activation(activation)

    def call(self, x: Any) -> Any:
        """[N, H, W, C] to [N, H / stride, W / stride, channels]."""
        if self.pad is not None:
            x = self.pad(x)
        return self.activation(self.norm(self.conv(x)))


class ResidualBlock(layers.Layer):  # type: ignore[misc]
    """relu(shortcut(x) + second(first(x))); the shortcut is a 1x1 convolution where the shape changes."""

    def __init__(self, channels_in: int, channels: int, *, stride: int = 1) -> None:
        """Take the shape change; with none the shortcut is x itself."""
        super().__init__()
        self.first = Convolution(channels, 3, stride=stride)
        self.second = Convolution(channels, 3, activation="linear")
        is_same = stride == 1 and channels_in == channels
        self.shortcut = None if is_same else Convolution(channels, 1, stride=stride, activation="linear")
        self.activation = layers.ReLU()

    def call(self, x: Any) -> Any:
        """[N, H, W, C] to [N, H / stride, W / stride, channels]."""
        shortcut = x if self.shortcut is None else self.shortcut(x)
        return self.activation(shortcut + self.second(self.first(x)))


class InvertedBlock(layers.Layer):  # type: ignore[misc]
    """x + project(depthwise(expand(x))), after MobileNetV2 (Sandler et al. 2018, figure 3b)."""

    def __init__(self, channels: int) -> None:
        """Expand `channels` by `EXPANSION` between the two 1x1 convolutions."""
        super().__init__()
        hidden = channels * EXPANSION
        self.expand = Convolution(hidden, 1, activation="relu6")
        self.depthwise = Convolution(hidden, 3, depthwise=True, activation="relu6")
        self.project = Convolution(channels, 1, activation="linear")

    def call(self, x: Any) -> Any:
        """[N, H, W, channels] to the same shape."""
        return x + self.project(self.depthwise(self.expand(x)))


class DemoNetwork(keras.Model):  # type: ignore[misc]
    """A residual network for 28x28 grey images: 15 convolutions, 460,000 parameters."""

    def __init__(self) -> None:
        """Build it with fresh, random weights."""
        super().__init__()
        self.stem = Convolution(STEM_CHANNELS, 3)
        self.stem_pool = layers.MaxPooling2D(2)
        self.widen = Convolution(NARROW_CHANNELS, 3)
        self.residual_1 = ResidualBlock(NARROW_CHANNELS, NARROW_CHANNELS)
        self.inverted_1 = InvertedBlock(NARROW_CHANNELS)
        self.down = ResidualBlock(NARROW_CHANNELS, WIDE_CHANNELS, stride=2)
        self.residual_2 = ResidualBlock(WIDE_CHANNELS, WIDE_CHANNELS)
        self.inverted_2 = InvertedBlock(WIDE_CHANNELS)
        self.pool = layers.GlobalAveragePooling2D()
        self.head = layers.Dense(CLASS_COUNT)

    def call(self, x: Any) -> Any:
        """Images, float32 [N, 28, 28, 1] scaled as in `clika_core.demo.data`, to logits, float32 [N, 10]."""
        x = self.stem_pool(self.stem(x))
        x = self.inverted_1(self.residual_1(self.widen(x)))
        x = self.inverted_2(self.residual_2(self.down(x)))
        return self.head(self.pool(x))


def demo_network(weights: bool | Path = True) -> DemoNetwork:
    """The network, built; True: with the shipped weights, False: fresh, a path: with that file's.

    Raises `clika_core.errors.DataError` when the file cannot be read.
    """
    network = DemoNetwork()
    network(keras.ops.zeros((1, 28, 28, 1)))
    if weights is not False:
        import_weights(network, load_weights(None if weights is True else weights))
    return network


def import_weights(network: DemoNetwork, weights: Weights) -> None:
    """Copy the tensors of a weight file into the network, in place.

    Raises `DataError` unless names and shapes are exactly the network's.
    """
    own = _neutral_variables(network)
    expected = {(name, tuple(to_neutral(name, variable.numpy()).shape)) for name, variable in own.items()}
    found = {(name, array.shape) for name, array in weights.items()}
    if found != expected:
        raise DataError(
            "these are not the weights of the demo network",
            found=f"besides what fits: {sorted(found - expected)}",
            expected=f"also: {sorted(expected - found)}",
            fix="make the file anew: clika demo --backend torch --train",
        )
    for name, variable in own.items():
        variable.assign(from_neutral(name, weights[name]))


def _neutral_variables(network: DemoNetwork) -> dict[str, Any]:
    """The variables of the network by the names of the weight file."""
    found = {"head.weight": network.head.kernel, "head.bias": network.head.bias}
    for path, module in _convolutions(network, ""):
        found[f"{path}.weight"] = module.conv.kernel
        for own, neutral in _NORM.items():
            found[f"{path}.{neutral}"] = getattr(module.norm, own)
    return found


def _convolutions(layer: Any, path: str) -> list[tuple[str, Convolution]]:
    if isinstance(layer, Convolution):
        return [(path, layer)]
    children = [(name, child) for name, child in vars(layer).items() if not name.startswith("_")]
    return [
        found
        for name, child in children
        if isinstance(child, layers.Layer)
        for found in _convolutions(child, f"{path}.{name}" if path else name)
    ]


def to_neutral(name: str, array: Any) -> Any:
    """A kernel as the weight file holds it: [out, in, height, width], depthwise [channels, 1, height, width]."""
    if array.ndim == 2:
        return array.T
    if array.ndim != 4:
        return array
    return array.transpose(2, 3, 0, 1) if name.endswith("depthwise.weight") else array.transpose(3, 2, 0, 1)


def from_neutral(name: str, array: Any) -> Any:
    """A tensor of the weight file as Keras holds it."""
    if array.ndim == 2:
        return array.T
    if array.ndim != 4:
        return array
    return array.transpose(2, 3, 0, 1) if name.endswith("depthwise.weight") else array.transpose(2, 3, 1, 0)
