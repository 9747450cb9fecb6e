"""The JAX backend's part of the conformance kit: the reference models as users of Flax NNX write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from numpy.typing import NDArray

from clika_core.backend.interface import Backend
from clika_core.testing import BackendHarness, Subject
from clika_jax.backend import JaxBackend


class JaxHarness(BackendHarness):
    """JAX on the CPU."""

    def __init__(self, backend: Backend | None = None) -> None:
        """`backend` replaces the real one, by one that is wrong on purpose."""
        self.backend = backend or JaxBackend()

    def builders(self) -> Mapping[str, Callable[[], Subject]]:
        image, vector = (12, 12, 3), (6,)
        return {
            "classifier": lambda: _subject(_Classifier, *image),
            "residual": lambda: _subject(_Residual, *image),
            "depthwise": lambda: _subject(_Depthwise, *image),
            "gated": lambda: _subject(_Gated, *image),
            "branches": lambda: _subject(_Branches, *image),
            "two_outputs": lambda: _subject(_TwoOutputs, *image),
            "bypass": lambda: _subject(_Bypass, *vector),
            "shared": lambda: _subject(_Shared, *vector),
            "transformer": lambda: _subject(_Block, 5, 16),
            "lstm": _tagger,
        }

    def state(self, model: nnx.Module) -> Mapping[str, NDArray[Any]]:
        leaves = jax.tree_util.tree_leaves_with_path(nnx.state(model, nnx.Not(nnx.RngState)))
        return {str(path): np.array(leaf) for path, leaf in leaves}

    def gradient(self, function: Callable[[Any], Any], array: Any) -> Any:
        return jax.grad(lambda given: function(given).sum())(array)

    def compiled(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        compiled: Callable[[Any], Any] = jax.jit(function)
        return compiled

    def train(self, native: Any, inputs: Any, steps: int) -> list[float]:
        def loss(params: Any) -> Any:
            return jnp.square(next(self.leaves(native.apply(params, *inputs)))).mean()

        step = jax.jit(jax.value_and_grad(loss))
        losses = []
        for _ in range(steps):
            value, gradients = step(native.params)
            native.params.update(jax.tree.map(lambda p, g: p - 0.02 * g, native.params, gradients))
            losses.append(float(value))
        return losses

    def call(self, model: Any, inputs: Any) -> Any:
        if isinstance(inputs, Mapping):
            return model(**{name: jnp.asarray(array) for name, array in inputs.items()})
        return model(*map(jnp.asarray, inputs)) if isinstance(inputs, tuple) else model(jnp.asarray(inputs))


def _subject(make: Callable[[nnx.Rngs], nnx.Module], *shape: int) -> Subject:
    model = make(nnx.Rngs(0))
    random = np.random.default_rng(0)
    for _, module in nnx.iter_modules(model):
        if isinstance(module, nnx.BatchNorm):
            for variable, low, high in (
                (module.mean, -0.5, 0.5),
                (module.var, 0.5, 2.0),
                (module.scale, 0.5, 1.5),
                (module.bias, -0.5, 0.5),
            ):
                assert variable is not None
                variable[...] = jnp.asarray(random.uniform(low, high, variable.shape), jnp.float32)
    model.eval()
    return Subject(model, lambda n, generator: (jnp.asarray(_normal(generator, n, *shape)),))


def _normal(random: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    return random.standard_normal(shape).astype(np.float32)


def _tagger() -> Subject:
    model = _Tagger(nnx.Rngs(0))
    model.eval()
    return Subject(model, lambda n, random: (jnp.asarray(random.integers(0, 20, (n, 7)), jnp.int32),))


class _Classifier(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.first = nnx.Conv(3, 8, (3, 3), use_bias=False, rngs=rngs)
        self.norm = nnx.BatchNorm(8, rngs=rngs)
        self.second = nnx.Conv(8, 12, (3, 3), rngs=rngs)
        self.hidden, self.head = nnx.Linear(12, 10, rngs=rngs), nnx.Linear(10, 5, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        x = nnx.max_pool(nnx.relu(self.norm(self.first(x))), (2, 2), (2, 2))
        x = nnx.relu(self.second(x)).mean(axis=(1, 2))
        return self.head(nnx.relu(self.hidden(x)))


class _Residual(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.stem = nnx.Conv(3, 8, (3, 3), rngs=rngs)
        self.body = nnx.Conv(8, 8, (3, 3), use_bias=False, rngs=rngs)
        self.norm, self.head = nnx.BatchNorm(8, rngs=rngs), nnx.Linear(8, 4, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        y = nnx.relu(self.stem(x))
        return self.head(nnx.relu(y + self.norm(self.body(y))).mean(axis=(1, 2)))


class _Depthwise(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.expand = nnx.Conv(3, 8, (1, 1), rngs=rngs)
        self.depthwise = nnx.Conv(8, 8, (3, 3), strides=2, feature_group_count=8, rngs=rngs)
        self.project, self.head = nnx.Conv(8, 4, (1, 1), rngs=rngs), nnx.Linear(4, 3, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        x = jax.nn.relu6(self.depthwise(jax.nn.relu6(self.expand(x))))
        return self.head(self.project(x).mean(axis=(1, 2)))


class _Gated(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.stem, self.gate = nnx.Conv(3, 8, (3, 3), rngs=rngs), nnx.Conv(8, 8, (1, 1), rngs=rngs)
        self.head = nnx.Linear(8, 4, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        y = nnx.relu(self.stem(x))
        gated = y * nnx.sigmoid(self.gate(y.mean(axis=(1, 2), keepdims=True)))
        return self.head(gated.mean(axis=(1, 2)))


class _Branches(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.stem, self.narrow = nnx.Conv(3, 4, (3, 3), rngs=rngs), nnx.Conv(4, 3, (1, 1), rngs=rngs)
        self.wide, self.head = nnx.Conv(4, 5, (3, 3), rngs=rngs), nnx.Conv(8, 4, (1, 1), rngs=rngs)

    def __call__(self, x: Any) -> Any:
        y = nnx.relu(self.stem(x))
        return self.head(jnp.concatenate([self.narrow(y), self.wide(y)], axis=-1))


class _TwoOutputs(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.stem = nnx.Conv(3, 8, (3, 3), rngs=rngs)
        self.boxes, self.scores = nnx.Conv(8, 4, (1, 1), rngs=rngs), nnx.Conv(8, 2, (1, 1), rngs=rngs)

    def __call__(self, x: Any) -> Any:
        y = nnx.relu(self.stem(x))
        return {"boxes": self.boxes(y), "scores": nnx.sigmoid(self.scores(y))}


class _Bypass(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.first, self.second = nnx.Linear(6, 6, rngs=rngs), nnx.Linear(6, 6, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        y = self.first(x)
        return y + self.second(y)


class _Shared(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.twice, self.head = nnx.Linear(6, 6, rngs=rngs), nnx.Linear(6, 3, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        return self.head(nnx.relu(self.twice(nnx.relu(self.twice(x)))))


class _Block(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.attention = nnx.MultiHeadAttention(2, 16, decode=False, rngs=rngs)
        self.first_norm, self.second_norm = nnx.LayerNorm(16, rngs=rngs), nnx.LayerNorm(16, rngs=rngs)
        self.widen, self.narrow = nnx.Linear(16, 32, rngs=rngs), nnx.Linear(32, 16, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        x = self.first_norm(x + self.attention(x))
        return self.second_norm(x + self.narrow(nnx.gelu(self.widen(x))))


class _Tagger(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.tokens = nnx.Embed(20, 8, rngs=rngs)
        self.recurrent = nnx.RNN(nnx.OptimizedLSTMCell(8, 6, rngs=rngs))
        self.head = nnx.Linear(6, 3, rngs=rngs)

    def __call__(self, tokens: Any) -> Any:
        return self.head(self.recurrent(self.tokens(tokens)))
