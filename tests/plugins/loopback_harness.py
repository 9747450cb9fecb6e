"""The loopback backend's part of the conformance kit: the reference models as loopback models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Array, Backend
from clika_core.ir.recording import Ref
from clika_core.testing import BackendHarness, Subject
from clika_loopback.backend import LoopbackBackend
from clika_loopback.model import LoopbackModel
from tests.core.loopback.networks import Sketch

IMAGE = (3, 12, 12)


class LoopbackHarness(BackendHarness):
    """NumPy: no gradients, no compiler."""

    def __init__(self, backend: Backend | None = None) -> None:
        """`backend` replaces the real one, by one that is wrong on purpose."""
        self.backend = backend or LoopbackBackend()

    def builders(self) -> Mapping[str, Callable[[], Subject]]:
        return {
            "classifier": lambda: _images(_classifier),
            "residual": lambda: _images(_residual),
            "depthwise": lambda: _images(_depthwise),
            "gated": lambda: _images(_gated),
            "branches": lambda: _images(_branches),
            "two_outputs": lambda: _images(_two_outputs),
            "bypass": lambda: _vectors(_bypass, 6),
            "shared": lambda: _vectors(_shared, 6),
            "transformer": lambda: _vectors(_transformer, 5, 16),
        }

    def state(self, model: LoopbackModel) -> Mapping[str, NDArray[Any]]:
        return {name: array.copy() for name, array in model.parameters.items()}

    def gradient(self, function: Callable[[Array], Array], array: Array) -> Array:
        raise NotImplementedError("NumPy has no gradients")

    def compiled(self, function: Callable[[Array], Array]) -> Callable[[Array], Array]:
        raise NotImplementedError("NumPy has no compiler")

    def train(self, native: Any, inputs: Any, steps: int) -> list[float]:
        raise NotImplementedError("NumPy has no gradients")


def _images(write: Callable[[Sketch, Ref], LoopbackModel]) -> Subject:
    return _vectors(write, *IMAGE)


def _vectors(write: Callable[[Sketch, Ref], LoopbackModel], *shape: int) -> Subject:
    s = Sketch(0)
    model = write(s, s.input("x", *shape))
    return Subject(model, lambda n, random: (random.standard_normal((n, *shape)).astype(np.float32),))


def _pooled(s: Sketch, x: Ref, channels: int, wanted: int) -> Ref:
    pooled = s.op("adaptive_avg_pool", x, output_size=(1, 1))
    return s.linear(s.op("flatten", pooled), channels, wanted, path="head")


def _plain_conv(s: Sketch, x: Ref, given: int, wanted: int, path: str) -> Ref:
    return s.op("conv", x, weight=s.weights(wanted, given, 3, 3), padding=((1, 1), (1, 1)), path=path)


def _classifier(s: Sketch, x: Ref) -> LoopbackModel:
    y = s.op("relu", s.batch_norm(_plain_conv(s, x, 3, 8, "stem"), 8, path="norm"))
    y = s.op("max_pool", y, kernel_size=(2, 2), strides=(2, 2))
    y = _pooled(s, s.op("relu", s.conv(y, 8, 12, path="body")), 12, 10)
    return s.output(s.linear(s.op("relu", y), 10, 5, path="classifier"))


def _residual(s: Sketch, x: Ref) -> LoopbackModel:
    y = s.op("relu", s.conv(x, 3, 8, path="stem"))
    z = s.batch_norm(_plain_conv(s, y, 8, 8, "body"), 8, path="norm")
    return s.output(_pooled(s, s.op("relu", s.op("add", y, z)), 8, 4))


def _depthwise(s: Sketch, x: Ref) -> LoopbackModel:
    y = s.op("relu6", s.conv(x, 3, 8, 1, path="expand"))
    y = s.op("relu6", s.conv(y, 8, 8, 3, 8, strides=(2, 2), path="depthwise"))
    return s.output(_pooled(s, s.conv(y, 8, 4, 1, path="project"), 4, 3))


def _gated(s: Sketch, x: Ref) -> LoopbackModel:
    y = s.op("relu", s.conv(x, 3, 8, path="stem"))
    pooled = s.op("adaptive_avg_pool", y, output_size=(1, 1))
    gate = s.op("sigmoid", s.conv(pooled, 8, 8, 1, path="gate"))
    return s.output(_pooled(s, s.op("mul", y, gate), 8, 4))


def _branches(s: Sketch, x: Ref) -> LoopbackModel:
    y = s.op("relu", s.conv(x, 3, 4, path="stem"))
    joined = s.op("concat", s.conv(y, 4, 3, 1, path="narrow"), s.conv(y, 4, 5, path="wide"), axis=1)
    return s.output(s.conv(joined, 8, 4, 1, path="head"))


def _two_outputs(s: Sketch, x: Ref) -> LoopbackModel:
    y = s.op("relu", s.conv(x, 3, 8, path="stem"))
    boxes = s.conv(y, 8, 4, 1, path="boxes")
    return s.output(boxes, s.op("sigmoid", s.conv(y, 8, 2, 1, path="scores")))


def _bypass(s: Sketch, x: Ref) -> LoopbackModel:
    y = s.linear(x, 6, 6, path="first")
    return s.output(s.op("add", y, s.linear(y, 6, 6, path="second")))


def _shared(s: Sketch, x: Ref) -> LoopbackModel:
    weight, bias = (
        s.model.parameter("block.weight", s.weights(6, 6)),
        s.model.parameter("block.bias", s.weights(6)),
    )
    for _ in range(2):
        x = s.op("relu", s.op("linear", x, weight, bias=bias, path="block"))
    return s.output(s.linear(x, 6, 3, path="head"))


def _transformer(s: Sketch, x: Ref) -> LoopbackModel:
    query, key, value = (_heads(s, s.linear(x, 16, 16, path=f"attention.{name}")) for name in "qkv")
    scores = s.op("mul", s.op("matmul", query, s.op("permute", key, axes=(0, 1, 3, 2))), 8**-0.5)
    mixed = s.op("matmul", s.op("softmax", scores, axis=-1), value)
    merged = s.op("reshape", s.op("permute", mixed, axes=(0, 2, 1, 3)), shape=(-1, 5, 16))
    x = _norm(s, s.op("add", x, s.linear(merged, 16, 16, path="attention.out")), "norm1")
    y = s.op("gelu", s.linear(x, 16, 32, path="grow"))
    return s.output(_norm(s, s.op("add", x, s.linear(y, 32, 16, path="shrink")), "norm2"))


def _heads(s: Sketch, x: Ref) -> Ref:
    return s.op("permute", s.op("reshape", x, shape=(-1, 5, 2, 8)), axes=(0, 2, 1, 3))


def _norm(s: Sketch, x: Ref, path: str) -> Ref:
    return s.op("layer_norm", x, weight=s.weights(16, spread=4.0), bias=s.weights(16), path=path)
