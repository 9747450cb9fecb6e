"""Blocks of encoders whose norms have a channel far larger than the others, which one scale serves badly.

As in trained ones, that channel counts no more than the others: the weights that it meets are as much smaller.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Array, Removals, TracedModel
from clika_core.ir.recording import Ref
from clika_core.pipeline.data import Batches
from clika_core.pipeline.improving import improved
from clika_core.pipeline.quantization import Quantized
from clika_core.quality.reference import Reference
from clika_core.quality.running_layer import summing_heads
from clika_core.quality.samples import joined_samples
from clika_core.quality.work import Work
from clika_loopback.model import LoopbackModel
from tests.core.loopback.networks import Batch, Sketch, batches
from tests.core.loopback.quantizing import only, quantized

CHANNELS, TOKENS, LARGE = 8, 6, 3


def norm(s: Sketch, x: Ref, outlier: float = 40.0) -> Ref:
    """A layer norm whose channel `LARGE` is `outlier` times as large as it would be."""
    weight, bias = np.abs(s.weights(CHANNELS)) + 0.5, s.weights(CHANNELS)
    weight[LARGE] *= outlier
    bias[LARGE] *= outlier
    return s.op("layer_norm", x, weight=weight.astype(np.float32), bias=bias, axes=(-1,))


def linear(s: Sketch, x: Ref, wanted: int, outlier: float) -> Ref:
    """A linear layer behind such a norm."""
    weight = s.weights(wanted, CHANNELS)
    weight[:, LARGE] /= outlier
    return s.op("linear", x, weight=weight, bias=s.weights(wanted, spread=0.3))


def pre_norm(seed: int, outlier: float = 40.0) -> LoopbackModel:
    """Nothing but linear layers reads the norm."""
    s = Sketch(seed)
    x = norm(s, s.input("x", TOKENS, CHANNELS), outlier)
    first, second = linear(s, x, 12, outlier), linear(s, x, 12, outlier)
    return s.output(s.linear(s.op("gelu", first), 12, 4), second)


def post_norm(seed: int, outlier: float = 40.0) -> LoopbackModel:
    """A residual sum reads the norm too."""
    s = Sketch(seed)
    x = norm(s, s.input("x", TOKENS, CHANNELS), outlier)
    hidden = s.op("gelu", linear(s, x, 16, outlier))
    added = s.op("add", s.linear(hidden, 16, CHANNELS), x)
    return s.output(norm(s, added, outlier=1.0))


def data_of(model: LoopbackModel, seed: int = 0, size: int = 32) -> list[Batch]:
    """Two batches of `size` samples of six tokens."""
    return batches(model, count=2, size=size, seed=seed)


def balanced(model: LoopbackModel, data: list[Batch]) -> tuple[Quantized, Quantized]:
    """The model quantized, without and with balancing alone."""
    found = quantized(model, data)
    return found, improved(found, only("activation_balancing"), Batches(data))


def work_of(found: Quantized, data: list[Batch]) -> Work:
    """What techniques start from."""
    own: TracedModel = found.model.preprocess(Removals({}))
    samples: tuple[Array, ...] = tuple(joined_samples(found.model, iter(data)))
    reference = Reference(found.model, samples, summing_heads(found.simulation))
    return Work(own, reference, found.plan, found.target, found.parameters, found.simulation)


def rows_of(seed: int, channels: int, count: int, outlier: float) -> NDArray[np.float32]:
    """Normal rows [count, channels], one channel `outlier` times the others."""
    random = np.random.default_rng(seed)
    rows = random.standard_normal((count, channels))
    rows[:, int(random.integers(channels))] *= outlier
    return rows.astype(np.float32)
