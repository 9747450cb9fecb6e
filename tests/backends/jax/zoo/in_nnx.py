"""The architectures in Flax NNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class _Block(nnx.Module):
    """He et al. 2016: two convolutions beside a shortcut."""

    def __init__(self, given: int, wanted: int, stride: int, rngs: nnx.Rngs) -> None:
        self.first = nnx.Conv(given, wanted, (3, 3), strides=stride, use_bias=False, rngs=rngs)
        self.second = nnx.Conv(wanted, wanted, (3, 3), use_bias=False, rngs=rngs)
        self.norm1, self.norm2 = nnx.BatchNorm(wanted, rngs=rngs), nnx.BatchNorm(wanted, rngs=rngs)
        is_changed = stride != 1 or given != wanted
        self.shortcut = nnx.Conv(given, wanted, (1, 1), strides=stride, rngs=rngs) if is_changed else None

    def __call__(self, x: Any) -> Any:
        y = self.norm2(self.second(nnx.relu(self.norm1(self.first(x)))))
        return nnx.relu(y + (x if self.shortcut is None else self.shortcut(x)))


class ResNet(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.stem, self.norm = (
            nnx.Conv(3, 16, (3, 3), use_bias=False, rngs=rngs),
            nnx.BatchNorm(16, rngs=rngs),
        )
        sizes = ((16, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2))
        self.blocks = nnx.List([_Block(a, b, stride, rngs) for a, b, stride in sizes])
        self.head = nnx.Linear(64, 10, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        x = nnx.max_pool(nnx.relu(self.norm(self.stem(x))), (2, 2), (2, 2))
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean(axis=(1, 2)))


class _Inverted(nnx.Module):
    """Sandler et al. 2018: expand, depthwise, project; with squeeze and excitation (Hu et al. 2018)."""

    def __init__(self, given: int, wanted: int, stride: int, rngs: nnx.Rngs) -> None:
        wide = 4 * given
        self.expand, self.project = (
            nnx.Conv(a, b, (1, 1), rngs=rngs) for a, b in ((given, wide), (wide, wanted))
        )
        self.depthwise = nnx.Conv(wide, wide, (3, 3), strides=stride, feature_group_count=wide, rngs=rngs)
        self.norms = nnx.List([nnx.BatchNorm(n, rngs=rngs) for n in (wide, wide, wanted)])
        self.squeeze, self.excite = nnx.Linear(wide, given, rngs=rngs), nnx.Linear(given, wide, rngs=rngs)
        self.is_residual = stride == 1 and given == wanted

    def __call__(self, x: Any) -> Any:
        y = nnx.hard_swish(self.norms[0](self.expand(x)))
        y = nnx.hard_swish(self.norms[1](self.depthwise(y)))
        gate = nnx.hard_sigmoid(self.excite(nnx.relu(self.squeeze(y.mean(axis=(1, 2))))))
        y = self.norms[2](self.project(y * gate[:, None, None, :]))
        return x + y if self.is_residual else y


class MobileNet(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.stem = nnx.Conv(3, 16, (3, 3), strides=2, rngs=rngs)
        self.blocks = nnx.List(
            [_Inverted(a, b, s, rngs) for a, b, s in ((16, 16, 1), (16, 24, 2), (24, 24, 1))]
        )
        self.head = nnx.Linear(24, 10, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        x = jax.nn.relu6(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean(axis=(1, 2)))


def _causal(length: int) -> Any:
    """Every position sees those before it; the same mask for all samples."""
    return jnp.tril(jnp.ones((1, 1, length, length), bool))


class _Layer(nnx.Module):
    """One block of a transformer, norms before (Xiong et al. 2020) or after (Vaswani et al. 2017) the sums."""

    def __init__(self, size: int, rngs: nnx.Rngs, *, is_pre: bool = True, is_causal: bool = False) -> None:
        self.is_pre, self.is_causal = is_pre, is_causal
        self.attention = nnx.MultiHeadAttention(4, size, decode=False, rngs=rngs)
        self.norm1, self.norm2 = nnx.LayerNorm(size, rngs=rngs), nnx.LayerNorm(size, rngs=rngs)
        self.grow, self.shrink = nnx.Linear(size, 4 * size, rngs=rngs), nnx.Linear(4 * size, size, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        mask = _causal(x.shape[1]) if self.is_causal else None
        if self.is_pre:
            x = x + self.attention(self.norm1(x), mask=mask)
            return x + self.shrink(nnx.gelu(self.grow(self.norm2(x))))
        x = self.norm1(x + self.attention(x, mask=mask))
        return self.norm2(x + self.shrink(nnx.gelu(self.grow(x))))


class ViT(nnx.Module):
    """Dosovitskiy et al. 2021."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.patches = nnx.Conv(3, 32, (8, 8), strides=8, rngs=rngs)
        self.token = nnx.Param(0.1 * jax.random.normal(rngs.params(), (1, 1, 32)))
        self.positions = nnx.Param(0.1 * jax.random.normal(rngs.params(), (1, 17, 32)))
        self.layers = nnx.List([_Layer(32, rngs) for _ in range(2)])
        self.norm, self.head = nnx.LayerNorm(32, rngs=rngs), nnx.Linear(32, 10, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        x = self.patches(x).reshape(x.shape[0], -1, 32)
        token = jnp.broadcast_to(self.token[...], (x.shape[0], 1, 32))
        x = jnp.concatenate([token, x], axis=1) + self.positions[...]
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x)[:, 0])


class Encoder(nnx.Module):
    def __init__(self, rngs: nnx.Rngs, *, is_pre: bool) -> None:
        self.layers = nnx.List([_Layer(32, rngs, is_pre=is_pre) for _ in range(2)])
        self.head = nnx.Linear(32, 6, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return self.head(x)


class Gpt(nnx.Module):
    """A causal decoder whose layers are stacked, and scanned over."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.embed, self.positions = nnx.Embed(50, 32, rngs=rngs), nnx.Embed(12, 32, rngs=rngs)

        @nnx.split_rngs(splits=3)
        @nnx.vmap(in_axes=0, out_axes=0)
        def make(rngs: nnx.Rngs) -> _Layer:
            return _Layer(32, rngs, is_causal=True)

        self.layers = make(rngs)
        self.norm, self.head = nnx.LayerNorm(32, rngs=rngs), nnx.Linear(32, 50, rngs=rngs)

    def __call__(self, ids: Any) -> Any:
        x = self.embed(ids) + self.positions(jnp.arange(ids.shape[1]))

        @nnx.scan(in_axes=(nnx.Carry, 0), out_axes=nnx.Carry)
        def run(x: Any, layer: _Layer) -> Any:
            return layer(x)

        return self.head(self.norm(run(x, self.layers)))


class _Mix(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.norm1, self.norm2 = nnx.LayerNorm(32, rngs=rngs), nnx.LayerNorm(32, rngs=rngs)
        self.tokens1, self.tokens2 = nnx.Linear(16, 32, rngs=rngs), nnx.Linear(32, 16, rngs=rngs)
        self.channels1, self.channels2 = nnx.Linear(32, 64, rngs=rngs), nnx.Linear(64, 32, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        y = self.norm1(x).transpose(0, 2, 1)
        x = x + self.tokens2(nnx.gelu(self.tokens1(y))).transpose(0, 2, 1)
        return x + self.channels2(nnx.gelu(self.channels1(self.norm2(x))))


class Mixer(nnx.Module):
    """Tolstikhin et al. 2021."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.patches = nnx.Conv(3, 32, (8, 8), strides=8, rngs=rngs)
        self.blocks = nnx.List([_Mix(rngs) for _ in range(2)])
        self.norm, self.head = nnx.LayerNorm(32, rngs=rngs), nnx.Linear(32, 10, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        x = self.patches(x).reshape(x.shape[0], 16, 32)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x).mean(axis=1))


class Tagger(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.embed = nnx.Embed(50, 16, rngs=rngs)
        self.recurrent = nnx.RNN(nnx.OptimizedLSTMCell(16, 24, rngs=rngs))
        self.head = nnx.Linear(24, 7, rngs=rngs)

    def __call__(self, ids: Any) -> Any:
        return self.head(self.recurrent(self.embed(ids)))


class UNet(nnx.Module):
    """Ronneberger et al. 2015, three levels, transposed convolutions."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        sizes = ((3, 16), (16, 32), (32, 64))
        self.down = nnx.List([nnx.Conv(a, b, (3, 3), rngs=rngs) for a, b in sizes])
        self.up = nnx.List([nnx.ConvTranspose(2 * n, n, (2, 2), strides=2, rngs=rngs) for n in (32, 16)])
        self.merge = nnx.List([nnx.Conv(2 * n, n, (3, 3), rngs=rngs) for n in (32, 16)])
        self.head = nnx.Conv(16, 2, (1, 1), rngs=rngs)

    def __call__(self, x: Any) -> Any:
        kept = []
        for level, conv in enumerate(self.down):
            x = nnx.relu(conv(nnx.max_pool(x, (2, 2), (2, 2)) if level else x))
            kept.append(x)
        for up, merge, side in zip(self.up, self.merge, kept[-2::-1], strict=True):
            x = nnx.relu(merge(jnp.concatenate([side, up(x)], axis=-1)))
        return self.head(x)


class Vae(nnx.Module):
    """Kingma & Welling 2014; in evaluation the code is its mean."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.encode1 = nnx.Conv(1, 8, (3, 3), strides=2, rngs=rngs)
        self.encode2 = nnx.Conv(8, 16, (3, 3), strides=2, rngs=rngs)
        self.mean, self.variance = nnx.Linear(784, 8, rngs=rngs), nnx.Linear(784, 8, rngs=rngs)
        self.widen = nnx.Linear(8, 784, rngs=rngs)
        self.decode1 = nnx.ConvTranspose(16, 8, (3, 3), strides=2, rngs=rngs)
        self.decode2 = nnx.ConvTranspose(8, 1, (3, 3), strides=2, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        y = nnx.relu(self.encode2(nnx.relu(self.encode1(x)))).reshape(x.shape[0], -1)
        mean, variance = self.mean(y), self.variance(y)
        y = nnx.relu(self.widen(mean)).reshape(-1, 7, 7, 16)
        return nnx.sigmoid(self.decode2(nnx.relu(self.decode1(y)))), mean, variance


MODELS: dict[str, Callable[[nnx.Rngs], nnx.Module]] = {
    "resnet": ResNet,
    "mobilenet": MobileNet,
    "vit": ViT,
    "post_norm_encoder": lambda rngs: Encoder(rngs, is_pre=False),
    "pre_norm_encoder": lambda rngs: Encoder(rngs, is_pre=True),
    "gpt_scanned": Gpt,
    "mixer": Mixer,
    "lstm_tagger": Tagger,
    "unet": UNet,
    "vae": Vae,
}


def build(name: str) -> nnx.Module:
    """A model with random weights, in evaluation mode."""
    model = MODELS[name](nnx.Rngs(0))
    model.eval()
    return model
