"""The three networks of MTCNN with the weights that the package mtcnn ships. Zhang et al. 2016, arXiv:1604.02878."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from tests.backends.zoo.entry import Entry


def _make(stage: str) -> Any:
    """Proposals, refinement or output: a subclassed Keras model."""
    name = f"{stage[0].upper()}Net"
    model = getattr(import_module(f"mtcnn.network.{name.lower()}"), name)()
    model.build()
    weights = import_module("mtcnn.utils.tensorflow").load_weights(f"{name.lower()}.lz4")
    model.set_weights(weights)
    return model


def _crops(size: int) -> Callable[[int], Any]:
    """Noise in the range of the package's own preprocessing, (pixel - 127.5) / 128."""
    return lambda n: (np.random.default_rng(n).uniform(-1, 1, (n, size, size, 3)).astype(np.float32),)


ENTRIES = tuple(
    Entry(f"{stage}_net", "mtcnn, trained", partial(_make, stage), _crops(size))
    for stage, size in (("p", 12), ("r", 24), ("o", 48))
)
