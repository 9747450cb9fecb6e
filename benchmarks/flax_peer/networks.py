"""The two networks, in Flax NNX: the demo's CNN with its shipped weights, and a small vision transformer.

The transformer is trained here, on the demo's images, from a fixed seed: two minutes of one core.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from numpy.typing import NDArray

from clika_core.demo.architecture import (
    CLASS_COUNT,
    EXPANSION,
    NARROW_CHANNELS,
    NORM_EPSILON,
    STEM_CHANNELS,
    WIDE_CHANNELS,
)
from clika_core.demo.data import DemoData
from clika_core.demo.weights import load_weights

Images = NDArray[np.float32]

RNGS: Final = nnx.Rngs(0)


class ConvNorm(nnx.Module):
    """A convolution without bias, and batch norm."""

    def __init__(self, given: int, wanted: int, size: int, stride: int = 1, groups: int = 1) -> None:
        around = [(size // 2, size // 2)] * 2
        self.conv = nnx.Conv(
            given,
            wanted,
            (size, size),
            stride,
            padding=around,
            feature_group_count=groups,
            use_bias=False,
            rngs=RNGS,
        )
        self.norm = nnx.BatchNorm(wanted, epsilon=NORM_EPSILON, rngs=RNGS)

    def __call__(self, x: Any) -> Any:
        return self.norm(self.conv(x))


class Residual(nnx.Module):
    """Two convolutions beside a shortcut, which is a convolution where the shape changes."""

    def __init__(self, given: int, wanted: int, stride: int = 1) -> None:
        self.first, self.second = ConvNorm(given, wanted, 3, stride), ConvNorm(wanted, wanted, 3)
        self.shortcut = None if given == wanted else ConvNorm(given, wanted, 1, stride)

    def __call__(self, x: Any) -> Any:
        y = self.second(nnx.relu(self.first(x)))
        return nnx.relu((x if self.shortcut is None else self.shortcut(x)) + y)


class Inverted(nnx.Module):
    """An inverted residual block."""

    def __init__(self, size: int) -> None:
        wide = EXPANSION * size
        self.expand, self.project = ConvNorm(size, wide, 1), ConvNorm(wide, size, 1)
        self.depthwise = ConvNorm(wide, wide, 3, groups=wide)

    def __call__(self, x: Any) -> Any:
        y = jax.nn.relu6(self.depthwise(jax.nn.relu6(self.expand(x))))
        return x + self.project(y)


class DemoNetwork(nnx.Module):
    """The demo's network on images [N, 28, 28, 1]."""

    def __init__(self) -> None:
        self.stem, self.widen = ConvNorm(1, STEM_CHANNELS, 3), ConvNorm(STEM_CHANNELS, NARROW_CHANNELS, 3)
        self.residual_1, self.inverted_1 = (
            Residual(NARROW_CHANNELS, NARROW_CHANNELS),
            Inverted(NARROW_CHANNELS),
        )
        self.down = Residual(NARROW_CHANNELS, WIDE_CHANNELS, 2)
        self.residual_2, self.inverted_2 = Residual(WIDE_CHANNELS, WIDE_CHANNELS), Inverted(WIDE_CHANNELS)
        self.head = nnx.Linear(WIDE_CHANNELS, CLASS_COUNT, rngs=RNGS)

    def __call__(self, x: Any) -> Any:
        x = nnx.max_pool(nnx.relu(self.stem(x)), (2, 2), (2, 2))  # type: ignore[no-untyped-call]
        x = self.inverted_1(self.residual_1(nnx.relu(self.widen(x))))
        x = self.inverted_2(self.residual_2(self.down(x)))
        return self.head(x.mean(axis=(1, 2)))


def demo_network(_: DemoData) -> nnx.Module:
    """The CNN with the shipped weights."""
    model = DemoNetwork()
    for name, array in load_weights(None).items():
        place, _dot, kind = name.rpartition(".")
        _put(model, place.split("."), kind, jnp.asarray(array))
    model.eval()  # type: ignore[no-untyped-call]
    return model


def _put(model: Any, place: list[str], kind: str, array: Any) -> None:
    target: Any
    for part in place:
        model = getattr(model, part)
    if isinstance(model, nnx.Linear):
        target, array = (model.kernel, array.T) if kind == "weight" else (model.bias, array)
    elif kind == "weight":
        target, array = model.conv.kernel, array.transpose(2, 3, 1, 0)
    else:
        names = {"gamma": "scale", "beta": "bias", "mean": "mean", "variance": "var"}
        target = getattr(model.norm, names[kind])
    target[...] = array


class Block(nnx.Module):
    """A block of a transformer, norms first."""

    def __init__(self, size: int) -> None:
        self.attention = nnx.MultiHeadAttention(4, size, decode=False, rngs=RNGS)
        self.norm1, self.norm2 = nnx.LayerNorm(size, rngs=RNGS), nnx.LayerNorm(size, rngs=RNGS)
        self.grow, self.shrink = (
            nnx.Linear(a, b, rngs=RNGS) for a, b in ((size, 4 * size), (4 * size, size))
        )

    def __call__(self, x: Any) -> Any:
        x = x + self.attention(self.norm1(x))
        return x + self.shrink(nnx.gelu(self.grow(self.norm2(x))))


class Vit(nnx.Module):
    """Dosovitskiy et al. 2021: sixteen patches of 7 by 7, four blocks, the mean of all places classified."""

    def __init__(self, size: int = 64, blocks: int = 4) -> None:
        self.patches = nnx.Conv(1, size, (7, 7), (7, 7), rngs=RNGS)
        self.positions = nnx.Param(0.1 * jax.random.normal(RNGS.params(), (1, 16, size)))
        self.blocks = nnx.List([Block(size) for _ in range(blocks)])
        self.norm, self.head = nnx.LayerNorm(size, rngs=RNGS), nnx.Linear(size, CLASS_COUNT, rngs=RNGS)

    def __call__(self, x: Any) -> Any:
        x = self.patches(x).reshape(x.shape[0], 16, -1) + self.positions[...]
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x).mean(axis=1))


def trained_vit(data: DemoData, epochs: int = 15, batch: int = 64) -> nnx.Module:
    """The transformer after some epochs of Adam over the demo's training images."""
    model = Vit()
    steps = epochs * (len(data.train) // batch)
    optimizer = nnx.Optimizer(model, optax.adam(optax.cosine_decay_schedule(1e-3, steps)), wrt=nnx.Param)

    @nnx.jit
    def step(model: Any, optimizer: Any, images: Any, labels: Any) -> None:
        def loss(model: Any) -> Any:
            return optax.softmax_cross_entropy_with_integer_labels(model(images), labels).mean()

        optimizer.update(model, nnx.grad(loss)(model))

    images, random = last_axis(data.train.images), np.random.default_rng(0)
    for _ in range(epochs):
        order = random.permutation(len(images))
        for rows in order[: len(order) // batch * batch].reshape(-1, batch):
            step(model, optimizer, images[rows], data.train.labels[rows])
    model.eval()  # type: ignore[no-untyped-call]
    return model


def last_axis(images: Images) -> Images:
    """Images with their channel last."""
    return np.ascontiguousarray(images.transpose(0, 2, 3, 1))


NETWORKS: Mapping[str, Callable[[DemoData], nnx.Module]] = {
    "CNN": demo_network,
    "transformer": trained_vit,
}
