"""A mean over all of space on codes rounds ties as onnxruntime does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from clika_core.deployment.agreement import layer_agreement
from clika_core.deployment.onnx_model import quantized_onnx
from clika_core.ir.recording import Ref
from clika_core.numerics import quantize
from tests.core.loopback.networks import Batch, Sketch
from tests.core.loopback.quantizing import quantized


def mean(s: Sketch, x: Ref) -> Ref:
    return s.op("mean", x, axes=(2, 3))


def adaptive(s: Sketch, x: Ref) -> Ref:
    return s.op("adaptive_avg_pool", x, output_size=(1, 1))


def images(count: int, seed: int = 0) -> list[Batch]:
    """Clamped as by relu6, one channel at its limit: a mean has the scale of what it is taken of; ties are many."""
    x = np.random.default_rng(seed).uniform(-1, 7, (count, 8, 2, 2)).clip(0, 6).astype(np.float32)
    x[:, 0] = 6
    return [(x,)]


@pytest.mark.parametrize("layer", [mean, adaptive])
def test_ties_of_means_are_rounded_as_in_the_runtime(layer: Callable[[Sketch, Ref], Ref]) -> None:
    s = Sketch()
    x = s.op("relu6", s.input("x", 8, 2, 2))
    pooled = layer(s, x)
    found = quantized(s.output(s.linear(s.op("reshape", pooled, shape=(-1, 8)), 8, 3)), images(16))
    name = next(node.name for node in found.plan.graph.layers if node.type in ("mean", "adaptive_avg_pool"))
    spec = found.simulation.specs[name]
    (given,), (output,) = spec.inputs, spec.outputs
    assert given is not None
    assert output is not None
    assert given.scale == output.scale
    batch = images(200, seed=1)
    file = quantized_onnx(found.model, found.plan, found.simulation)
    agreement = layer_agreement(found.model, found.simulation, file, batch)
    assert agreement[name].compared == 1600
    assert agreement[name].different == 0
    codes = quantize(batch[0][0], given).astype(np.float64)
    assert np.count_nonzero(codes.sum((2, 3)) % 4 == 2) > 100  # ties: a mean that lies between two codes
