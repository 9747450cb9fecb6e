"""Batches that the zoo's models take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def images(size: int, channels: int = 3) -> Callable[[int], Any]:
    """Pixels from 0 to 255, channels last."""
    return lambda n: (np.random.default_rng(n).uniform(0, 255, (n, size, size, channels)).astype(np.float32),)


def sequences(length: int, features: int) -> Callable[[int], Any]:
    """Standard normal."""
    return lambda n: (np.random.default_rng(n).standard_normal((n, length, features)).astype(np.float32),)


def tokens(length: int, vocabulary: int) -> Callable[[int], Any]:
    """Integers below `vocabulary`."""
    return lambda n: (np.random.default_rng(n).integers(0, vocabulary, (n, length)).astype(np.int32),)


def padded(length: int, vocabulary: int) -> Callable[[int], Any]:
    """Tokens of sentences of every length, and 1 where there is one."""

    def inputs(n: int) -> Any:
        lengths = np.random.default_rng(n).integers(1, length, (n, 1))
        mask = (np.arange(length) <= lengths).astype(np.int32)
        return ({"token_ids": tokens(length, vocabulary)(n)[0] * mask, "padding_mask": mask},)

    return inputs
