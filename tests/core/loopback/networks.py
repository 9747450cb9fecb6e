"""Small networks over the loopback backend: random ones by seed, and blocks to write others with."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from clika_core.ir.recording import Ref
from clika_loopback.model import LoopbackModel

Batch: TypeAlias = tuple[NDArray[Any], ...]
SAME = ((1, 1), (1, 1))


class Sketch:
    """A model under construction, with a source of random weights."""

    def __init__(self, seed: int = 0, name: str = "net") -> None:
        self.model = LoopbackModel(name)
        self.random = np.random.default_rng(seed)

    def weights(self, *shape: int, spread: float = 1.0) -> NDArray[np.float32]:
        """Normal, scaled so that sums over all but the first axis keep their size."""
        scale = spread / np.sqrt(max(prod(shape[1:]), 1))
        return np.asarray(self.random.standard_normal(shape) * scale, np.float32)

    def input(self, name: str, *shape: int, dtype: str = "float32") -> Ref:
        """An input whose batch is free."""
        return self.model.input(name, ("n", *shape), dtype)

    def op(self, type_name: str, *operands: Any, **named: Any) -> Ref:
        """An operation."""
        return self.model.op(type_name, *operands, **named)

    def conv(self, x: Ref, given: int, wanted: int, kernel: int = 3, groups: int = 1, **named: Any) -> Ref:
        """A convolution with bias that keeps odd kernels centred."""
        weight = self.weights(wanted, given // groups, kernel, kernel)
        pads = ((kernel // 2, kernel // 2),) * 2
        bias = self.weights(wanted, spread=0.3)
        return self.op("conv", x, weight=weight, bias=bias, groups=groups, padding=pads, **named)

    def linear(self, x: Ref, given: int, wanted: int, **named: Any) -> Ref:
        """A dense layer with bias."""
        return self.op(
            "linear", x, weight=self.weights(wanted, given), bias=self.weights(wanted, spread=0.3), **named
        )

    def attention(self, query: Ref, key: Ref, value: Ref, mask: Any = None, *, rank: int = 3) -> Ref:
        """Attention over the last two of `rank` axes, spelt as primitives."""
        turned = self.op("permute", key, axes=(*range(rank - 2), rank - 1, rank - 2))
        scores = self.op("mul", self.op("matmul", query, turned), 0.4)
        masked = scores if mask is None else self.op("add", scores, mask)
        return self.op("matmul", self.op("softmax", masked), value)

    def batch_norm(self, x: Ref, channels: int, **named: Any) -> Ref:
        """A batch norm whose statistics are far from trivial."""
        positive = np.abs(self.random.standard_normal((2, channels))) + 0.5
        return self.op(
            "batch_norm",
            x,
            weight=positive[0].astype(np.float32),
            bias=self.weights(channels),
            running_mean=self.weights(channels),
            running_var=positive[1].astype(np.float32),
            **named,
        )

    def output(self, *refs: Ref) -> LoopbackModel:
        """The model with these outputs."""
        for ref in refs:
            self.model.output(ref)
        return self.model


def batches(model: LoopbackModel, count: int = 3, size: int = 8, seed: int = 0) -> list[Batch]:
    """Standard normal inputs; small indices where an input holds integers."""
    random = np.random.default_rng(seed)
    found: list[Batch] = []
    for _ in range(count):
        arrays = []
        for entry in model.inputs.values():
            shape = tuple(size if isinstance(axis, str) else axis for axis in entry.shape)
            is_index = entry.dtype.startswith("int")
            values = random.integers(0, 4, shape) if is_index else random.standard_normal(shape)
            arrays.append(values.astype(entry.dtype))
        found.append(tuple(arrays))
    return found


CHANNELS = 4


def _conv(s: Sketch, x: Ref) -> Ref:
    groups = int(s.random.choice([1, 2, CHANNELS]))
    y = s.conv(x, CHANNELS, CHANNELS, int(s.random.choice([1, 3])), groups)
    if s.random.random() < 0.4:
        y = s.batch_norm(y, CHANNELS)
    return _activation(s, y)


def _activation(s: Sketch, x: Ref) -> Ref:
    kind = s.random.choice(["", "relu", "relu6", "leaky_relu", "sigmoid"])
    return s.op(str(kind), x) if kind else x


def _residual(s: Sketch, x: Ref) -> Ref:
    return _activation(s, s.op("add", x, _conv(s, x)))


def _gate(s: Sketch, x: Ref) -> Ref:
    pooled = s.op("adaptive_avg_pool", x, output_size=(1, 1))
    return s.op("mul", x, s.op("sigmoid", s.conv(pooled, CHANNELS, CHANNELS, 1)))


def _branches(s: Sketch, x: Ref) -> Ref:
    left, right = s.conv(x, CHANNELS, 2), s.op("relu", s.conv(x, CHANNELS, 2, 1))
    return s.op("concat", left, right, axis=1)


def _halves(s: Sketch, x: Ref) -> Ref:
    halves = s.op("split", x, axis=1, sizes=(1, CHANNELS - 1))
    first, second = s.op("relu", halves), Ref(halves.record, 1)
    return s.op("concat", second, first, axis=1)


def _pool(s: Sketch, x: Ref) -> Ref:
    kind = str(s.random.choice(["max_pool", "avg_pool"]))
    return s.op(kind, x, kernel_size=(3, 3), strides=(1, 1), padding=SAME)


def _numbers(s: Sketch, x: Ref) -> Ref:
    return s.op("add", s.op("mul", x, float(s.random.uniform(0.2, 2))), float(s.random.uniform(-1, 1)))


def _constants(s: Sketch, x: Ref) -> Ref:
    return s.op("add", s.op("mul", x, s.weights(CHANNELS, 1, 1)), s.weights(CHANNELS, 1, 1))


BLOCKS: tuple[Callable[[Sketch, Ref], Ref], ...] = (
    _conv,
    _residual,
    _gate,
    _branches,
    _halves,
    _pool,
    _numbers,
    _constants,
)


def image_network(seed: int) -> LoopbackModel:
    """[n, 4, 6, 6] through four random blocks, pooled, flattened and classified; two outputs."""
    s = Sketch(seed, f"image_{seed}")
    x = s.conv(s.input("x", CHANNELS, 6, 6), CHANNELS, CHANNELS)
    for _ in range(4):
        block = BLOCKS[int(s.random.integers(len(BLOCKS)))]
        x = block(s, x)
    pooled = s.op("flatten", s.op("adaptive_avg_pool", x, output_size=(2, 2)))
    return s.output(s.op("softmax", s.linear(pooled, CHANNELS * 4, 5)), x)


def sequence_network(seed: int) -> LoopbackModel:
    """Tokens and [n, 5, 8] features: embedding, layer norm, products of activations and with a constant."""
    s = Sketch(seed, f"sequence_{seed}")
    tokens, x = s.input("tokens", 5, dtype="int64"), s.input("x", 5, 8)
    x = s.op("add", x, s.op("embedding", tokens, s.weights(4, 8)))
    x = s.op("layer_norm", x, weight=s.weights(8), bias=s.weights(8))
    query, key, value = (s.linear(x, 8, 8) for _ in range(3))
    scores = s.op("matmul", s.op("relu", query), s.op("permute", key, axes=(0, 2, 1)))
    shares = s.op("mul", s.op("softmax", scores), 2.0)  # not quite attention, which is one layer
    mixed = s.op("matmul", shares, s.op("relu", value))
    return s.output(s.op("matmul", s.op("add", mixed, x), s.weights(8, 6)))
