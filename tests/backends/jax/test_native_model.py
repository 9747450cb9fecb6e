"""The quantized model is a pure function of its parameters: it compiles, differentiates, vectorises, shards."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import NamedSharding, PartitionSpec

import clika_jax
from clika_core.pipeline.data import Batches
from clika_core.pipeline.quantization import Quantized, quantize_traced
from clika_core.settings.model import Settings
from clika_core.targets.ort import ORT
from clika_jax.native_model import NativeModel, leaves
from clika_jax.tracing import trace

RANDOM = np.random.default_rng(0)


def normal(*shape: int) -> Any:
    return RANDOM.standard_normal(shape).astype(np.float32)


def forward(params: Any, x: Any) -> Any:
    y = jax.nn.relu(x @ params["first"]["w"] + params["first"]["b"])
    return {"logits": y @ params["second"]["w"] + params["second"]["b"]}


@pytest.fixture(scope="module")
def quantized() -> Quantized:
    params = {
        "first": {"w": normal(6, 8), "b": normal(8)},
        "second": {"w": normal(8, 3), "b": normal(3)},
    }
    settings = Settings()
    settings.global_quantization_settings.skip_tail_quantization = False
    traced = trace(clika_jax.Model(forward, params), (normal(4, 6),))
    return quantize_traced(traced, settings, ORT, Batches([(normal(16, 6),)]), lambda _: None)


@pytest.fixture
def native(quantized: Quantized) -> NativeModel:
    made: NativeModel = quantized.model.native(quantized.simulation.run)
    return made


def test_parameters_are_a_tree_with_the_names_of_the_users(native: NativeModel) -> None:
    names = {name: array.shape for name, array in leaves(native.params)}
    assert names == {"first.w": (6, 8), "first.b": (8,), "second.w": (8, 3), "second.b": (3,)}


def test_compiled_it_gives_the_same_codes(native: NativeModel) -> None:
    x = normal(32, 6)
    eager = native(x)["logits"]
    compiled = jax.jit(native.apply)(native.params, x)["logits"]
    np.testing.assert_array_equal(eager, compiled)


def test_it_computes_on_the_integer_grid(native: NativeModel, quantized: Quantized) -> None:
    found = np.asarray(native(normal(32, 6))["logits"])
    scale = quantized.parameters.activations["linear_2", 0].scale
    np.testing.assert_allclose(found / scale, np.rint(found / scale), atol=1e-3)


def test_it_is_vectorised_over_an_axis_of_its_own(native: NativeModel) -> None:
    x = normal(5, 4, 6)
    mapped = jax.vmap(native.apply, in_axes=(None, 0))(native.params, x)["logits"]
    np.testing.assert_array_equal(mapped, [native(part)["logits"] for part in x])


def test_it_learns_with_an_optimizer_of_jax(native: NativeModel) -> None:
    x, wanted = normal(64, 6), RANDOM.integers(0, 3, 64)
    optimizer = optax.adam(1e-2)

    def loss(params: Any) -> Any:
        logits = native.apply(params, x)["logits"]
        return optax.softmax_cross_entropy_with_integer_labels(logits, wanted).mean()

    @jax.jit
    def step(params: Any, state: Any) -> Any:
        value, gradients = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(gradients, state)
        return optax.apply_updates(params, updates), state, value

    params, state = native.params, optimizer.init(native.params)
    losses = []
    for _ in range(20):
        params, state, value = step(params, state)
        losses.append(float(value))
    assert losses[-1] < 0.8 * losses[0]
    trained = native.with_params(params)
    assert float(loss(trained.params)) < losses[0]


def test_gradients_reach_every_parameter(native: NativeModel) -> None:
    x = normal(16, 6)
    gradients = jax.grad(lambda params: jnp.square(native.apply(params, x)["logits"]).mean())(native.params)
    assert all(np.abs(array).max() > 0 for _, array in leaves(gradients))


def test_it_runs_on_sharded_inputs(native: NativeModel) -> None:
    mesh = jax.make_mesh((1,), ("batch",))
    x = jax.device_put(normal(8, 6), NamedSharding(mesh, PartitionSpec("batch")))
    np.testing.assert_array_equal(
        jax.jit(native.apply)(native.params, x)["logits"], native(np.asarray(x))["logits"]
    )
