"""The demo's network in PyTorch, written as a user would write it.

`clika_core.demo.architecture` holds the numbers and the table of layers, `clika_core.demo.weights` the layout
of the weight file; this file is the translation. Start reading at `DemoNetwork.forward`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

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

NEUTRAL_ENDINGS: Final = {
    "conv.weight": "weight",
    "norm.weight": "gamma",
    "norm.bias": "beta",
    "norm.running_mean": "mean",
    "norm.running_var": "variance",
}
"""The end of a parameter's name here, and in the weight file; `head.*` is the same in both."""


class Convolution(nn.Module):
    """Convolution without bias, batch norm, activation; the padding keeps an odd kernel centred."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: int,
        *,
        stride: int = 1,
        groups: int = 1,
        activation: type[nn.ReLU] | type[nn.ReLU6] | type[nn.Identity] = nn.ReLU,
    ) -> None:
        """Take the shape of the kernel; `groups == channels_in` makes it depthwise."""
        super().__init__()
        self.conv = nn.Conv2d(
            channels_in, channels_out, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False
        )
        self.norm = nn.BatchNorm2d(channels_out, eps=NORM_EPSILON, momentum=NORM_UPDATE)
        self.activation = activation()

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels_in, H, W] to [N, channels_out, H / stride, W / stride]."""
        y: Tensor = self.activation(self.norm(self.conv(x)))
        return y


class ResidualBlock(nn.Module):
    """relu(shortcut(x) + second(first(x))); the shortcut is a 1x1 convolution where the shape changes."""

    def __init__(self, channels_in: int, channels_out: int, *, stride: int = 1) -> None:
        """Take the shape change; with none the shortcut is x itself."""
        super().__init__()
        self.first = Convolution(channels_in, channels_out, 3, stride=stride)
        self.second = Convolution(channels_out, channels_out, 3, activation=nn.Identity)
        same_shape = stride == 1 and channels_in == channels_out
        self.shortcut = (
            nn.Identity()
            if same_shape
            else Convolution(channels_in, channels_out, 1, stride=stride, activation=nn.Identity)
        )
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels_in, H, W] to [N, channels_out, H / stride, W / stride]."""
        y: Tensor = self.activation(self.shortcut(x) + self.second(self.first(x)))
        return y


class InvertedBlock(nn.Module):
    """x + project(depthwise(expand(x))), after MobileNetV2 (Sandler et al. 2018, figure 3b)."""

    def __init__(self, channels: int) -> None:
        """Expand `channels` by `EXPANSION` between the two 1x1 convolutions."""
        super().__init__()
        hidden = channels * EXPANSION
        self.expand = Convolution(channels, hidden, 1, activation=nn.ReLU6)
        self.depthwise = Convolution(hidden, hidden, 3, groups=hidden, activation=nn.ReLU6)
        self.project = Convolution(hidden, channels, 1, activation=nn.Identity)

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, H, W] to the same shape."""
        y: Tensor = x + self.project(self.depthwise(self.expand(x)))
        return y


class DemoNetwork(nn.Module):
    """A residual network for 28x28 grey images: 15 convolutions, 460,000 parameters."""

    def __init__(self) -> None:
        """Build it with fresh, random weights."""
        super().__init__()
        self.stem = Convolution(1, STEM_CHANNELS, 3)
        self.stem_pool = nn.MaxPool2d(2)
        self.widen = Convolution(STEM_CHANNELS, NARROW_CHANNELS, 3)
        self.residual_1 = ResidualBlock(NARROW_CHANNELS, NARROW_CHANNELS)
        self.inverted_1 = InvertedBlock(NARROW_CHANNELS)
        self.down = ResidualBlock(NARROW_CHANNELS, WIDE_CHANNELS, stride=2)
        self.residual_2 = ResidualBlock(WIDE_CHANNELS, WIDE_CHANNELS)
        self.inverted_2 = InvertedBlock(WIDE_CHANNELS)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(WIDE_CHANNELS, CLASS_COUNT)

    def forward(self, x: Tensor) -> Tensor:
        """Images, float32 [N, 1, 28, 28] scaled as in `clika_core.demo.data`, to logits, float32 [N, 10]."""
        x = self.stem_pool(self.stem(x))
        x = self.inverted_1(self.residual_1(self.widen(x)))
        x = self.inverted_2(self.residual_2(self.down(x)))
        logits: Tensor = self.head(torch.flatten(self.pool(x), 1))
        return logits


def demo_network(weights: bool | Path = True) -> DemoNetwork:
    """The network in evaluation mode; True: with the shipped weights, False: fresh, a path: with that file's.

    Raises `clika_core.errors.DataError` when the file cannot be read.
    """
    network = DemoNetwork()
    if weights is not False:
        import_weights(network, load_weights(None if weights is True else weights))
    return network.eval()


def import_weights(network: DemoNetwork, weights: Weights) -> None:
    """Copy the tensors of a weight file into the network, in place.

    Raises `DataError` unless names and shapes are exactly the network's.
    """
    own = _neutral_state(network)
    expected = {(name, tuple(tensor.shape)) for name, tensor in own.items()}
    found = {(name, array.shape) for name, array in weights.items()}
    if found != expected:
        raise DataError(
            "these are not the weights of the demo network",
            found=f"besides what fits: {sorted(found - expected)}",
            expected=f"also: {sorted(expected - found)}",
            fix="make the file anew: clika demo --train",
        )
    for name, tensor in own.items():
        tensor.copy_(torch.tensor(weights[name]))


def export_weights(network: DemoNetwork) -> Weights:
    """Parameters and running statistics under their neutral names, copied."""
    return {name: tensor.numpy().copy() for name, tensor in _neutral_state(network).items()}


def _neutral_state(network: DemoNetwork) -> dict[str, Tensor]:
    """The live tensors of `state_dict` that the weight file holds, by the file's names."""
    return {
        _neutral_name(name): tensor
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }


def _neutral_name(name: str) -> str:
    for own, neutral in NEUTRAL_ENDINGS.items():
        if name.endswith(own):
            return name.removesuffix(own) + neutral
    return name
