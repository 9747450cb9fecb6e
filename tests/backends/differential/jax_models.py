"""The architectures in Flax NNX, as its users write them. Inputs are channels last; tests copy weights in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class _Conv(nnx.Module):
    def __init__(
        self, given: int, wanted: int, kernel: int = 3, stride: int = 1, groups: int = 1, *, rngs: nnx.Rngs
    ) -> None:
        self.conv = nnx.Conv(
            given,
            wanted,
            (kernel, kernel),
            strides=stride,
            padding="SAME" if stride == 1 else "VALID",
            feature_group_count=groups,
            use_bias=False,
            rngs=rngs,
        )
        self.norm = nnx.BatchNorm(wanted, epsilon=1e-5, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        return self.norm(self.conv(x))


class ResidualCnn(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.stem, self.first, self.second = (_Conv(n, 8, rngs=rngs) for n in (3, 8, 8))
        self.down, self.shortcut = (
            _Conv(8, 12, stride=2, rngs=rngs),
            _Conv(8, 12, 1, stride=2, rngs=rngs),
        )
        self.head = nnx.Linear(12, 5, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        x = nnx.relu(self.stem(x))
        x = nnx.relu(x + self.second(nnx.relu(self.first(x))))
        padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        x = nnx.relu(self.down(padded) + self.shortcut(x))
        return self.head(x.mean(axis=(1, 2)))


class MobileBlocks(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.stem, self.expand = _Conv(3, 8, rngs=rngs), _Conv(8, 16, 1, rngs=rngs)
        self.depthwise, self.project = (
            _Conv(16, 16, groups=16, rngs=rngs),
            _Conv(16, 8, 1, rngs=rngs),
        )
        self.last, self.head = _Conv(8, 12, 1, rngs=rngs), nnx.Linear(12, 4, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        x = jax.nn.relu6(self.stem(x))
        x = x + self.project(jax.nn.relu6(self.depthwise(jax.nn.relu6(self.expand(x)))))
        return self.head(jax.nn.relu6(self.last(x)).mean(axis=(1, 2)))


class UNet(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.enter, self.inner, self.leave = (
            _Conv(given, wanted, rngs=rngs) for given, wanted in ((3, 8), (8, 12), (20, 8))
        )
        self.head = nnx.Conv(8, 2, (1, 1), rngs=rngs)

    def __call__(self, x: Any) -> Any:
        skip = nnx.relu(self.enter(x))
        up = _twice(nnx.relu(self.inner(nnx.max_pool(skip, (2, 2), (2, 2)))))  # type: ignore[no-untyped-call]
        return self.head(nnx.relu(self.leave(jnp.concatenate([up, skip], axis=-1))))


def _twice(x: Any) -> Any:
    return jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)


class Detector(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.backbone, self.neck = (nnx.Conv(n, 8, (3, 3), rngs=rngs) for n in (3, 8))
        self.boxes, self.scores = (nnx.Conv(8, n, (1, 1), rngs=rngs) for n in (4, 3))

    def __call__(self, x: Any) -> Any:
        x = nnx.relu(self.neck(nnx.relu(self.backbone(x))))
        return self.boxes(x), nnx.sigmoid(self.scores(x))


class _Attention(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.q, self.k, self.v, self.out = (nnx.Linear(16, 16, rngs=rngs) for _ in range(4))

    def __call__(self, x: Any) -> Any:
        q, k, v = (layer(x).reshape(-1, 5, 2, 8) for layer in (self.q, self.k, self.v))
        return self.out(jax.nn.dot_product_attention(q, k, v).reshape(-1, 5, 16))


class Encoder(nnx.Module):
    def __init__(self, pre_norm: bool, rngs: nnx.Rngs) -> None:
        self.pre_norm, self.attention = pre_norm, _Attention(rngs)
        self.norm1, self.norm2 = (nnx.LayerNorm(16, epsilon=1e-3, rngs=rngs) for _ in range(2))
        self.grow, self.shrink = nnx.Linear(16, 32, rngs=rngs), nnx.Linear(32, 16, rngs=rngs)
        self.head = nnx.Linear(16, 3, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        if self.pre_norm:
            x = x + self.attention(self.norm1(x))
            x = x + self.shrink(nnx.gelu(self.grow(self.norm2(x)), approximate=False))
        else:
            x = self.norm1(x + self.attention(x))
            x = self.norm2(x + self.shrink(nnx.gelu(self.grow(x), approximate=False)))
        return self.head(x)


class Tagger(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.embed = nnx.Embed(20, 8, rngs=rngs)
        self.recurrent = nnx.RNN(nnx.OptimizedLSTMCell(8, 6, rngs=rngs))
        self.hidden, self.head = nnx.Linear(6, 8, rngs=rngs), nnx.Linear(8, 3, rngs=rngs)

    def __call__(self, tokens: Any) -> Any:
        return self.head(nnx.relu(self.hidden(self.recurrent(self.embed(tokens)))))


class SuperResolution(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.features, self.body = nnx.Conv(3, 8, (5, 5), rngs=rngs), nnx.Conv(8, 8, (3, 3), rngs=rngs)
        self.out = nnx.Conv(8, 3, (3, 3), rngs=rngs)

    def __call__(self, x: Any) -> Any:
        y = nnx.relu(self.features(x))
        return self.out(_twice(y + nnx.relu(self.body(y))))


class Vgg(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.convs = nnx.List([nnx.Conv(a, b, (3, 3), rngs=rngs) for a, b in ((3, 8), (8, 12))])
        self.hidden, self.head = nnx.Linear(12, 16, rngs=rngs), nnx.Linear(16, 5, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        for conv in self.convs:
            x = nnx.max_pool(nnx.relu(conv(x)), (2, 2), (2, 2))  # type: ignore[no-untyped-call]
        return self.head(nnx.relu(self.hidden(x.mean(axis=(1, 2)))))


class MultiInput(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.conv = nnx.Conv(3, 8, (3, 3), rngs=rngs)
        self.join, self.head = nnx.Linear(14, 12, rngs=rngs), nnx.Linear(12, 4, rngs=rngs)

    def __call__(self, image: Any, extra: Any) -> Any:
        seen = nnx.relu(self.conv(image)).mean(axis=(1, 2))
        both = jnp.concatenate([seen, nnx.sigmoid(extra)], axis=-1)
        return self.head(nnx.relu(self.join(both)))


MODELS: dict[str, Callable[[nnx.Rngs], nnx.Module]] = {
    "residual_cnn": ResidualCnn,
    "mobile_blocks": MobileBlocks,
    "u_net": UNet,
    "detector": Detector,
    "post_norm_encoder": lambda rngs: Encoder(False, rngs),
    "pre_norm_encoder": lambda rngs: Encoder(True, rngs),
    "lstm_tagger": Tagger,
    "super_resolution": SuperResolution,
    "vgg": Vgg,
    "multi_input": MultiInput,
}


def build(name: str) -> nnx.Module:
    """A model with random weights."""
    return MODELS[name](nnx.Rngs(0))
