"""The architectures in Equinox: modules of one sample, channels first, mapped over the batch when they are traced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from equinox import nn
from jax import lax


def _keys(key: Any) -> Iterator[Any]:
    while True:
        key, one = jax.random.split(key)
        yield one


def _first(x: Any) -> Any:
    """Channels first."""
    return x.transpose(2, 0, 1)


class _Block(eqx.Module):
    first: nn.Conv2d
    second: nn.Conv2d
    shortcut: nn.Conv2d | None

    def __init__(self, given: int, wanted: int, stride: int, keys: Any) -> None:
        self.first = nn.Conv2d(given, wanted, 3, stride, 1, key=next(keys))
        self.second = nn.Conv2d(wanted, wanted, 3, 1, 1, key=next(keys))
        is_changed = stride != 1 or given != wanted
        self.shortcut = nn.Conv2d(given, wanted, 1, stride, key=next(keys)) if is_changed else None

    def __call__(self, x: Any) -> Any:
        y = self.second(jax.nn.relu(self.first(x)))
        return jax.nn.relu(y + (x if self.shortcut is None else self.shortcut(x)))


class ResNet(eqx.Module):
    stem: nn.Conv2d
    pool: nn.MaxPool2d
    blocks: list[_Block]
    head: nn.Linear

    def __init__(self, keys: Any) -> None:
        self.stem, self.pool = nn.Conv2d(3, 16, 3, padding=1, key=next(keys)), nn.MaxPool2d(2, 2)
        sizes = ((16, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2))
        self.blocks = [_Block(a, b, stride, keys) for a, b, stride in sizes]
        self.head = nn.Linear(64, 10, key=next(keys))

    def __call__(self, x: Any) -> Any:
        x = self.pool(jax.nn.relu(self.stem(_first(x))))
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean(axis=(1, 2)))


class _Inverted(eqx.Module):
    expand: nn.Conv2d
    depthwise: nn.Conv2d
    project: nn.Conv2d
    is_residual: bool = eqx.field(static=True)

    def __init__(self, given: int, wanted: int, stride: int, keys: Any) -> None:
        wide = 4 * given
        self.expand, self.project = (
            nn.Conv2d(given, wide, 1, key=next(keys)),
            nn.Conv2d(wide, wanted, 1, key=next(keys)),
        )
        self.depthwise = nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, key=next(keys))
        self.is_residual = stride == 1 and given == wanted

    def __call__(self, x: Any) -> Any:
        y = self.project(jax.nn.relu6(self.depthwise(jax.nn.relu6(self.expand(x)))))
        return x + y if self.is_residual else y


class MobileNet(eqx.Module):
    stem: nn.Conv2d
    blocks: list[_Inverted]
    head: nn.Linear

    def __init__(self, keys: Any) -> None:
        self.stem = nn.Conv2d(3, 16, 3, 2, 1, key=next(keys))
        self.blocks = [_Inverted(a, b, s, keys) for a, b, s in ((16, 16, 1), (16, 24, 2), (24, 24, 1))]
        self.head = nn.Linear(24, 10, key=next(keys))

    def __call__(self, x: Any) -> Any:
        x = jax.nn.relu6(self.stem(_first(x)))
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean(axis=(1, 2)))


class _Layer(eqx.Module):
    attention: nn.MultiheadAttention
    norm1: nn.LayerNorm
    norm2: nn.LayerNorm
    grow: nn.Linear
    shrink: nn.Linear
    is_pre: bool = eqx.field(static=True)
    is_causal: bool = eqx.field(static=True)

    def __init__(self, size: int, keys: Any, *, is_pre: bool = True, is_causal: bool = False) -> None:
        self.attention = nn.MultiheadAttention(4, size, key=next(keys))
        self.norm1, self.norm2 = nn.LayerNorm(size), nn.LayerNorm(size)
        self.grow, self.shrink = (
            nn.Linear(size, 4 * size, key=next(keys)),
            nn.Linear(4 * size, size, key=next(keys)),
        )
        self.is_pre, self.is_causal = is_pre, is_causal

    def __call__(self, x: Any) -> Any:
        mask = jnp.tril(jnp.ones((len(x), len(x)), bool)) if self.is_causal else None
        if self.is_pre:
            y = jax.vmap(self.norm1)(x)
            x = x + self.attention(y, y, y, mask=mask)
            return x + self._widened(jax.vmap(self.norm2)(x))
        x = jax.vmap(self.norm1)(x + self.attention(x, x, x, mask=mask))
        return jax.vmap(self.norm2)(x + self._widened(x))

    def _widened(self, x: Any) -> Any:
        return jax.vmap(self.shrink)(jax.nn.gelu(jax.vmap(self.grow)(x)))


class ViT(eqx.Module):
    patches: nn.Conv2d
    token: Any
    positions: Any
    layers: list[_Layer]
    norm: nn.LayerNorm
    head: nn.Linear

    def __init__(self, keys: Any) -> None:
        self.patches = nn.Conv2d(3, 32, 8, 8, key=next(keys))
        self.token = 0.1 * jax.random.normal(next(keys), (1, 32))
        self.positions = 0.1 * jax.random.normal(next(keys), (17, 32))
        self.layers = [_Layer(32, keys) for _ in range(2)]
        self.norm, self.head = nn.LayerNorm(32), nn.Linear(32, 10, key=next(keys))

    def __call__(self, x: Any) -> Any:
        x = self.patches(_first(x)).reshape(32, -1).T
        x = jnp.concatenate([self.token, x]) + self.positions
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x[0]))


class Encoder(eqx.Module):
    layers: list[_Layer]
    head: nn.Linear

    def __init__(self, keys: Any, *, is_pre: bool) -> None:
        self.layers = [_Layer(32, keys, is_pre=is_pre) for _ in range(2)]
        self.head = nn.Linear(32, 6, key=next(keys))

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return jax.vmap(self.head)(x)


class Gpt(eqx.Module):
    embed: nn.Embedding
    positions: nn.Embedding
    layers: _Layer
    norm: nn.LayerNorm
    head: nn.Linear

    def __init__(self, keys: Any) -> None:
        self.embed, self.positions = (
            nn.Embedding(50, 32, key=next(keys)),
            nn.Embedding(12, 32, key=next(keys)),
        )
        self.layers = eqx.filter_vmap(lambda key: _Layer(32, _keys(key), is_causal=True))(
            jax.random.split(next(keys), 3)
        )
        self.norm, self.head = nn.LayerNorm(32), nn.Linear(32, 50, key=next(keys))

    def __call__(self, ids: Any) -> Any:
        x = jax.vmap(self.embed)(ids) + jax.vmap(self.positions)(jnp.arange(len(ids)))
        arrays, rest = eqx.partition(self.layers, eqx.is_array)
        x, _ = lax.scan(lambda x, layer: (eqx.combine(layer, rest)(x), None), x, arrays)
        return jax.vmap(lambda row: self.head(self.norm(row)))(x)


class _Mix(eqx.Module):
    norm1: nn.LayerNorm
    norm2: nn.LayerNorm
    tokens: nn.MLP
    channels: nn.MLP

    def __init__(self, keys: Any) -> None:
        self.norm1, self.norm2 = nn.LayerNorm(32), nn.LayerNorm(32)
        self.tokens = nn.MLP(16, 16, 32, 1, jax.nn.gelu, key=next(keys))
        self.channels = nn.MLP(32, 32, 64, 1, jax.nn.gelu, key=next(keys))

    def __call__(self, x: Any) -> Any:
        x = x + jax.vmap(self.tokens)(jax.vmap(self.norm1)(x).T).T
        return x + jax.vmap(self.channels)(jax.vmap(self.norm2)(x))


class Mixer(eqx.Module):
    patches: nn.Conv2d
    blocks: list[_Mix]
    norm: nn.LayerNorm
    head: nn.Linear

    def __init__(self, keys: Any) -> None:
        self.patches, self.blocks = nn.Conv2d(3, 32, 8, 8, key=next(keys)), [_Mix(keys) for _ in range(2)]
        self.norm, self.head = nn.LayerNorm(32), nn.Linear(32, 10, key=next(keys))

    def __call__(self, x: Any) -> Any:
        x = self.patches(_first(x)).reshape(32, -1).T
        for block in self.blocks:
            x = block(x)
        return self.head(jax.vmap(self.norm)(x).mean(axis=0))


class Tagger(eqx.Module):
    embed: nn.Embedding
    cell: nn.LSTMCell
    head: nn.Linear

    def __init__(self, keys: Any) -> None:
        self.embed, self.cell = nn.Embedding(50, 16, key=next(keys)), nn.LSTMCell(16, 24, key=next(keys))
        self.head = nn.Linear(24, 7, key=next(keys))

    def __call__(self, ids: Any) -> Any:
        def step(state: Any, x: Any) -> Any:
            state = self.cell(x, state)
            return state, state[0]

        start = (jnp.zeros(24), jnp.zeros(24))
        _, hidden = lax.scan(step, start, jax.vmap(self.embed)(ids))
        return jax.vmap(self.head)(hidden)


class UNet(eqx.Module):
    down: list[nn.Conv2d]
    pool: nn.MaxPool2d
    up: list[nn.ConvTranspose2d]
    merge: list[nn.Conv2d]
    head: nn.Conv2d

    def __init__(self, keys: Any) -> None:
        sizes = ((3, 16), (16, 32), (32, 64))
        self.down = [nn.Conv2d(a, b, 3, padding=1, key=next(keys)) for a, b in sizes]
        self.pool = nn.MaxPool2d(2, 2)
        self.up = [nn.ConvTranspose2d(2 * n, n, 2, 2, key=next(keys)) for n in (32, 16)]
        self.merge = [nn.Conv2d(2 * n, n, 3, padding=1, key=next(keys)) for n in (32, 16)]
        self.head = nn.Conv2d(16, 2, 1, key=next(keys))

    def __call__(self, x: Any) -> Any:
        x, kept = _first(x), []
        for level, conv in enumerate(self.down):
            x = jax.nn.relu(conv(self.pool(x) if level else x))
            kept.append(x)
        for up, merge, side in zip(self.up, self.merge, kept[-2::-1], strict=True):
            x = jax.nn.relu(merge(jnp.concatenate([side, up(x)])))
        return self.head(x)


class Vae(eqx.Module):
    encode: list[nn.Conv2d]
    mean: nn.Linear
    variance: nn.Linear
    widen: nn.Linear
    decode: list[nn.ConvTranspose2d]

    def __init__(self, keys: Any) -> None:
        self.encode = [nn.Conv2d(a, b, 3, 2, 1, key=next(keys)) for a, b in ((1, 8), (8, 16))]
        self.mean, self.variance = nn.Linear(784, 8, key=next(keys)), nn.Linear(784, 8, key=next(keys))
        self.widen = nn.Linear(8, 784, key=next(keys))
        self.decode = [nn.ConvTranspose2d(a, b, 2, 2, key=next(keys)) for a, b in ((16, 8), (8, 1))]

    def __call__(self, x: Any) -> Any:
        y = _first(x)
        for conv in self.encode:
            y = jax.nn.relu(conv(y))
        mean, variance = self.mean(y.reshape(-1)), self.variance(y.reshape(-1))
        y = jax.nn.relu(self.widen(mean)).reshape(16, 7, 7)
        return jax.nn.sigmoid(self.decode[1](jax.nn.relu(self.decode[0](y)))), mean, variance


MODELS: dict[str, Callable[[Any], eqx.Module]] = {
    "resnet": ResNet,
    "mobilenet": MobileNet,
    "vit": ViT,
    "post_norm_encoder": lambda keys: Encoder(keys, is_pre=False),
    "pre_norm_encoder": lambda keys: Encoder(keys, is_pre=True),
    "gpt_scanned": Gpt,
    "mixer": Mixer,
    "lstm_tagger": Tagger,
    "unet": UNet,
    "vae": Vae,
}


def build(name: str) -> eqx.Module:
    """A model with random weights."""
    return MODELS[name](_keys(jax.random.key(0)))
