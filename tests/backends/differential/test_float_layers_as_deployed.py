"""Float layers whose order is known give onnxruntime's numbers in every framework, bit for bit, compiled too."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from clika_core.backend.interface import TracedModel
from clika_core.pipeline import deployment
from clika_core.pipeline.data import Batches
from clika_core.pipeline.quantization import Quantized, quantize_traced
from clika_core.plugins.registry import backend_named
from clika_core.settings.model import Settings
from clika_core.targets.ort import ORT
from tests.backends.differential.frameworks import OTHERS, REFERENCE

NATIVE = {framework.name: framework for framework in (REFERENCE, *OTHERS)}


def images(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, 3, 9, 7)).astype(np.float32)


def _torch() -> Any:
    from torch import nn

    larger = nn.Upsample(scale_factor=2, mode="bilinear")
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.BatchNorm2d(8), larger).eval()


def _keras() -> Any:
    from clika_tensorflow.quiet_import import import_tensorflow

    import_tensorflow()
    import keras
    from keras import layers

    first = keras.Input((9, 7, 3))
    norm = layers.BatchNormalization()(layers.Conv2D(8, 3, activation="relu")(first))
    return keras.Model(first, layers.UpSampling2D(2, interpolation="bilinear")(norm))


def _flax() -> Any:
    from flax import nnx

    class NormLast(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.conv = nnx.Conv(3, 8, (3, 3), padding="VALID", rngs=rngs)
            self.norm = nnx.BatchNorm(8, use_running_average=True, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return self.norm(nnx.relu(self.conv(x)))

    return NormLast(nnx.Rngs(0))


BUILT: dict[str, Callable[[], Any]] = {"torch": _torch, "tensorflow": _keras, "jax": _flax}


ORDERED = {
    "torch": ["batch_norm_1", "resize_1"],
    "tensorflow": ["batch_norm_1", "resize_1"],
    "jax": ["batch_norm_1"],
}
"""JAX resizes by products with matrices, and so does its file."""


def given(backend: str, array: np.ndarray) -> np.ndarray:
    return NATIVE[backend].to_native(array)


@functools.cache
def quantized(backend: str) -> Quantized:
    """With statistics and affine numbers that are far from trivial."""
    if not NATIVE[backend].is_installed:
        pytest.skip(f"{backend} is not installed")
    traced: TracedModel = backend_named(backend).trace(BUILT[backend](), (given(backend, images(2)),))
    norm = traced.parameters("batch_norm_1")
    for seed, role in enumerate(sorted(norm)):
        norm[role] = np.random.default_rng(seed).uniform(0.1, 2, 8).astype(np.float32)
    settings = Settings()
    settings.global_quantization_settings.skip_tail_quantization = False
    data = Batches([(given(backend, images(8, 1)),)])
    return quantize_traced(traced, settings, ORT, data, lambda _: None)


def deployed(backend: str, batch: np.ndarray) -> np.ndarray:
    file = deployment.deploy(quantized(backend)).quantized
    return deployment.run_deployed(file, [[given(backend, batch)]])[0][0]


def simulated(found: Quantized, backend: str, batch: np.ndarray) -> np.ndarray:
    return deployment.run_simulation(found, [[given(backend, batch)]])[0][0]


@pytest.mark.parametrize("backend", BUILT)
def test_layers_in_floating_point_give_the_runtimes_numbers(backend: str) -> None:
    found, batch = quantized(backend), images(32, 2)
    assert list(found.simulation.float_orders) == ORDERED[backend]
    np.testing.assert_array_equal(simulated(found, backend, batch), deployed(backend, batch))


@pytest.mark.parametrize("backend", BUILT)
def test_a_framework_computes_them_in_another_order(backend: str) -> None:
    found, batch = quantized(backend), images(32, 2)
    own = replace(found, simulation=replace(found.simulation, float_orders={}))
    assert np.any(simulated(own, backend, batch) != deployed(backend, batch))


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_a_compiled_model_gives_them_too(backend: str) -> None:
    """By XLA, which contracts products and sums where nothing keeps it from that."""
    found, batch = quantized(backend), images(32, 2)
    compiled = COMPILED[backend](found.model.native(found.program), [given(backend, batch)])
    np.testing.assert_array_equal(compiled, deployed(backend, batch))


def _xla_of_tensorflow(native: Any, data: Sequence[np.ndarray]) -> np.ndarray:
    import tensorflow as tf

    return np.asarray(tf.function(native, jit_compile=True)(*map(tf.constant, data)))


def _xla_of_jax(native: Any, data: Sequence[np.ndarray]) -> np.ndarray:
    import jax

    return np.asarray(jax.jit(native)(*data))


COMPILED = {"tensorflow": _xla_of_tensorflow, "jax": _xla_of_jax}
