"""The architectures in Flax Linen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from tests.backends.jax.zoo.inputs import INPUTS


class _Block(nn.Module):
    size: int
    stride: int

    @nn.compact
    def __call__(self, x: Any) -> Any:
        y = nn.Conv(self.size, (3, 3), self.stride, use_bias=False)(x)
        y = nn.relu(nn.BatchNorm(use_running_average=True)(y))
        y = nn.BatchNorm(use_running_average=True)(nn.Conv(self.size, (3, 3), use_bias=False)(y))
        if x.shape != y.shape:
            x = nn.Conv(self.size, (1, 1), self.stride, name="shortcut")(x)
        return nn.relu(x + y)


class ResNet(nn.Module):
    @nn.compact
    def __call__(self, x: Any) -> Any:
        x = nn.relu(nn.BatchNorm(use_running_average=True)(nn.Conv(16, (3, 3), use_bias=False)(x)))
        x = nn.max_pool(x, (2, 2), (2, 2))
        for size, stride in ((16, 1), (32, 2), (32, 1), (64, 2)):
            x = _Block(size, stride)(x)
        return nn.Dense(10)(x.mean(axis=(1, 2)))


class _Inverted(nn.Module):
    size: int
    stride: int

    @nn.compact
    def __call__(self, x: Any) -> Any:
        wide = 4 * x.shape[-1]
        y = nn.relu6(nn.BatchNorm(use_running_average=True)(nn.Conv(wide, (1, 1), use_bias=False)(x)))
        y = nn.Conv(wide, (3, 3), self.stride, feature_group_count=wide, use_bias=False)(y)
        y = nn.relu6(nn.BatchNorm(use_running_average=True)(y))
        y = nn.BatchNorm(use_running_average=True)(nn.Conv(self.size, (1, 1), use_bias=False)(y))
        return x + y if x.shape == y.shape else y


class MobileNet(nn.Module):
    @nn.compact
    def __call__(self, x: Any) -> Any:
        x = nn.relu6(nn.Conv(16, (3, 3), 2)(x))
        for size, stride in ((16, 1), (24, 2), (24, 1)):
            x = _Inverted(size, stride)(x)
        return nn.Dense(10)(x.mean(axis=(1, 2)))


def _causal(length: int) -> Any:
    """Every position sees those before it; the same mask for all samples."""
    return jnp.tril(jnp.ones((1, 1, length, length), bool))


class _Layer(nn.Module):
    is_pre: bool = True
    is_causal: bool = False

    @nn.compact
    def __call__(self, x: Any) -> Any:
        size = x.shape[-1]
        attention, norm1, norm2 = nn.MultiHeadDotProductAttention(4), nn.LayerNorm(), nn.LayerNorm()
        grow, shrink = nn.Dense(4 * size), nn.Dense(size)
        mask = _causal(x.shape[1]) if self.is_causal else None
        if self.is_pre:
            x = x + attention(norm1(x), mask=mask)
            return x + shrink(nn.gelu(grow(norm2(x))))
        x = norm1(x + attention(x, mask=mask))
        return norm2(x + shrink(nn.gelu(grow(x))))


class ViT(nn.Module):
    @nn.compact
    def __call__(self, x: Any) -> Any:
        x = nn.Conv(32, (8, 8), (8, 8))(x).reshape(x.shape[0], -1, 32)
        token = self.param("token", nn.initializers.normal(0.1), (1, 1, 32))
        x = jnp.concatenate([jnp.broadcast_to(token, (x.shape[0], 1, 32)), x], axis=1)
        x = x + self.param("positions", nn.initializers.normal(0.1), (1, 17, 32))
        for _ in range(2):
            x = _Layer()(x)
        return nn.Dense(10)(nn.LayerNorm()(x)[:, 0])


class Encoder(nn.Module):
    is_pre: bool

    @nn.compact
    def __call__(self, x: Any) -> Any:
        for _ in range(2):
            x = _Layer(self.is_pre)(x)
        return nn.Dense(6)(x)


class _Scanned(nn.Module):
    @nn.compact
    def __call__(self, x: Any, _: Any) -> Any:
        return _Layer(is_causal=True)(x), None


class Gpt(nn.Module):
    @nn.compact
    def __call__(self, ids: Any) -> Any:
        x = nn.Embed(50, 32)(ids) + nn.Embed(12, 32)(jnp.arange(ids.shape[1]))
        layers = nn.scan(_Scanned, variable_axes={"params": 0}, split_rngs={"params": True}, length=3)
        x, _ = layers()(x, None)
        return nn.Dense(50)(nn.LayerNorm()(x))


class _Mix(nn.Module):
    @nn.compact
    def __call__(self, x: Any) -> Any:
        y = nn.LayerNorm()(x).transpose(0, 2, 1)
        x = x + nn.Dense(16)(nn.gelu(nn.Dense(32)(y))).transpose(0, 2, 1)
        return x + nn.Dense(32)(nn.gelu(nn.Dense(64)(nn.LayerNorm()(x))))


class Mixer(nn.Module):
    @nn.compact
    def __call__(self, x: Any) -> Any:
        x = nn.Conv(32, (8, 8), (8, 8))(x).reshape(x.shape[0], 16, 32)
        for _ in range(2):
            x = _Mix()(x)
        return nn.Dense(10)(nn.LayerNorm()(x).mean(axis=1))


class Tagger(nn.Module):
    @nn.compact
    def __call__(self, ids: Any) -> Any:
        x = nn.RNN(nn.OptimizedLSTMCell(24))(nn.Embed(50, 16)(ids))
        return nn.Dense(7)(x)


class UNet(nn.Module):
    @nn.compact
    def __call__(self, x: Any) -> Any:
        kept = []
        for level, size in enumerate((16, 32, 64)):
            x = nn.relu(nn.Conv(size, (3, 3))(nn.max_pool(x, (2, 2), (2, 2)) if level else x))
            kept.append(x)
        for size, side in zip((32, 16), kept[-2::-1], strict=True):
            up = nn.ConvTranspose(size, (2, 2), (2, 2))(x)
            x = nn.relu(nn.Conv(size, (3, 3))(jnp.concatenate([side, up], axis=-1)))
        return nn.Conv(2, (1, 1))(x)


class Vae(nn.Module):
    @nn.compact
    def __call__(self, x: Any) -> Any:
        y = nn.relu(nn.Conv(16, (3, 3), 2)(nn.relu(nn.Conv(8, (3, 3), 2)(x)))).reshape(x.shape[0], -1)
        mean, variance = nn.Dense(8)(y), nn.Dense(8)(y)
        y = nn.relu(nn.Dense(784)(mean)).reshape(-1, 7, 7, 16)
        y = nn.relu(nn.ConvTranspose(8, (3, 3), (2, 2))(y))
        return nn.sigmoid(nn.ConvTranspose(1, (3, 3), (2, 2))(y)), mean, variance


MODELS: dict[str, Callable[[], nn.Module]] = {
    "resnet": ResNet,
    "mobilenet": MobileNet,
    "vit": ViT,
    "post_norm_encoder": lambda: Encoder(False),
    "pre_norm_encoder": lambda: Encoder(True),
    "gpt_scanned": Gpt,
    "mixer": Mixer,
    "lstm_tagger": Tagger,
    "unet": UNet,
    "vae": Vae,
}


def build(name: str) -> nn.Module:
    """A model bound to random weights."""
    module = MODELS[name]()
    bound: nn.Module = module.bind(module.init(jax.random.key(0), *INPUTS[name](2)))
    return bound
