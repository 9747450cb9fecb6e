"""A small task to fine-tune on: a classifier of noisy patterns, with its data as users write it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen, nnx

from tests.backends.training import CLASSES, patterns


class SmallClassifier(nnx.Module):
    """Convolutions with batch norm, pooling, two linear layers."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.conv_a = nnx.Conv(1, 8, (3, 3), use_bias=False, rngs=rngs)
        self.norm_a = nnx.BatchNorm(8, momentum=0.9, rngs=rngs)
        self.conv_b = nnx.Conv(8, 8, (3, 3), use_bias=False, rngs=rngs)
        self.norm_b = nnx.BatchNorm(8, momentum=0.9, rngs=rngs)
        self.hidden, self.head = nnx.Linear(8, 16, rngs=rngs), nnx.Linear(16, CLASSES, rngs=rngs)

    def __call__(self, image: Any) -> Any:
        x = nnx.relu(self.norm_a(self.conv_a(image)))
        x = nnx.relu(self.norm_b(self.conv_b(x)))
        return self.head(nnx.relu(self.hidden(x.mean(axis=(1, 2)))))


class TwoOutputs(linen.Module):
    """Takes two inputs by name, returns a dict."""

    @linen.compact
    def __call__(self, left: Any, right: Any) -> dict[str, Any]:
        hidden = linen.relu(linen.Dense(8)(left) + linen.Dense(8)(right))
        hidden = linen.relu(linen.Dense(8)(hidden))
        return {"classes": linen.Dense(CLASSES)(hidden), "size": linen.Dense(1)(hidden)}


def loader(count: int = 96, seed: int = 0, *, is_shuffled: bool = True) -> Iterator[tuple[Any, Any]]:
    """Batches of 16, shuffled by NumPy's global random numbers."""
    inputs, labels = patterns(count, seed)
    order = np.random.permutation(count) if is_shuffled else np.arange(count)
    for rows in np.split(order, range(16, count, 16)):
        yield inputs[rows], labels[rows]


def trained(epochs: int = 8) -> SmallClassifier:
    """The classifier after a short float training; the same on every call."""
    model = SmallClassifier(nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, optax.adam(0.01), wrt=nnx.Param)

    @nnx.jit
    def step(model: SmallClassifier, optimizer: Any, inputs: Any, targets: Any) -> None:
        gradients = nnx.grad(lambda m: cross_entropy(m(inputs), targets))(model)
        optimizer.update(model, gradients)

    inputs, labels = patterns()
    model.train()
    for _ in range(epochs):
        for start in range(0, len(labels), 16):
            step(model, optimizer, inputs[start : start + 16], labels[start : start + 16])
    model.eval()
    return model


def cross_entropy(outputs: Any, targets: Any) -> Any:
    """The mean over a batch."""
    return optax.softmax_cross_entropy_with_integer_labels(outputs, targets).mean()


def accuracy(outputs: Any, targets: Any) -> Any:
    """The share of right classes."""
    return (jnp.argmax(outputs, 1) == targets).mean()


def two_outputs() -> Any:
    """The module with parameters."""
    made = TwoOutputs()
    left, right = jnp.zeros((1, 6)), jnp.zeros((1, 4))
    return made.bind(made.init(jax.random.key(0), left, right))
