"""Inputs of the architectures: a batch of n samples, the same at every call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np


def reals(*shape: int) -> Callable[[int], Any]:
    """Standard normal, one argument."""
    return lambda n: (jnp.asarray(np.random.default_rng(n).standard_normal((n, *shape)), jnp.float32),)


def tokens(length: int) -> Callable[[int], Any]:
    """Integers below 50, one argument."""
    return lambda n: (jnp.asarray(np.random.default_rng(n).integers(0, 50, (n, length)), jnp.int32),)


INPUTS: dict[str, Callable[[int], Any]] = {
    "resnet": reals(32, 32, 3),
    "mobilenet": reals(32, 32, 3),
    "vit": reals(32, 32, 3),
    "post_norm_encoder": reals(12, 32),
    "pre_norm_encoder": reals(12, 32),
    "gpt_scanned": tokens(12),
    "mixer": reals(32, 32, 3),
    "lstm_tagger": tokens(9),
    "unet": reals(32, 32, 3),
    "vae": reals(28, 28, 1),
}
"""What every library's model of that name takes, channels last; Equinox' own layers want channels first."""
